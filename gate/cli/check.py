"""`backdoor-gate check`: scan models and judge them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli import suggestions
from gate.cli.duration import Duration
from gate.cli.verdict_cache import KEY_VARIABLE, cache_dir_option, open_cache
from gate.core.errors import UsageError
from gate.core.job import DataCall, Role
from gate.core.report import ExitCode, ScanReport
from gate.core.share import share

if TYPE_CHECKING:
    from gate.cli.outputs import Target

_EXECUTORS_TO_COME = ("dask", "ray")
# No program that the gate starts has to know them.
_SECRETS = frozenset({KEY_VARIABLE})


@click.command(short_help="Scan models and judge them by the policy.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--staged", is_flag=True, help="Scan the models in git's index, as they would be committed.")
@click.option("--diff", metavar="BASE", help="Scan the models changed since the merge base with BASE.")
@click.option(
    "--files-from", metavar="FILE|-", help="Read the names of files from FILE, one a line or NUL-separated."
)
@click.option(
    "--policy",
    "policy_source",
    metavar="FILE|NAME",
    shell_complete=suggestions.policies,
    help="Policy file, or default, strict, paper, research.",
)
@click.option(
    "--policy-from",
    metavar="base|head|PATH",
    help="Whose policy and waivers judge: the base's (the default with --diff where CI is set, else if it has a policy), "
    "those that lie here, or those in a folder.",
)
@click.option("--waivers", metavar="FILE", help="Waivers; .backdoor-gate/waivers.yaml by default.")
@click.option("--baseline", metavar="FILE", help="Known findings; .backdoor-gate/baseline.json by default.")
@click.option(
    "--profile", type=click.Choice(["quick", "full"]), help="How thorough; the policy's, else quick."
)
@click.option(
    "--data",
    metavar="FILE_OR_DIR",
    help="Images: .npz, a folder with one folder per class, a .csv list, TFRecord files, or what tf.data saved.",
)
@click.option(
    "--data-role",
    type=click.Choice(["train", "clean"]),
    default="train",
    show_default=True,
    help="What the images are: the suspect training set, or trusted samples.",
)
@click.option(
    "--meta",
    metavar="FILE",
    help="Judge by this meta-model, too, which `meta train` made of your architecture.",
)
@click.option(
    "--input-range", metavar="LOW,HIGH", help="Raw values of black and white, such as 0,255 or -1,1."
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=PATH",
    shell_complete=suggestions.formats,
    help="Write a report; may be repeated.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all random choices."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Models scanned at a time."
)
@click.option(
    "--budget",
    type=Duration(),
    metavar="TIME",
    help="What one model's scan should take, such as 60s or 5m; what does not fit is left out, and told.",
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    expose_value=False,
    callback=lambda _context, _option, value: _check_executor(value),
    help="Where scans run; only local so far.",
)
@click.option(
    "--shard", default="1/1", show_default=True, metavar="I/N", help="Scan every N-th model, from the I-th."
)
@click.option(
    "--static", "is_static", is_flag=True, help="Static checks only: seconds, no TensorFlow, no detector."
)
@click.option(
    "--require-sandbox/--no-require-sandbox",
    "require_sandbox",
    default=None,
    help="Refuse to scan where Landlock and seccomp cannot lock the scan in; the default where CI is set.",
)
@cache_dir_option
@click.option(
    "--no-cache",
    is_flag=True,
    envvar="BACKDOOR_GATE_NO_CACHE",
    show_envvar=True,
    help="Scan anew, and keep nothing.",
)
@click.option(
    "--attestation-key",
    envvar="BACKDOOR_GATE_ATTESTATION_KEY",
    show_envvar=True,
    metavar="FILE",
    help="Sign the attestation with this Ed25519 key (PEM).",
)
@click.option("--list", "is_list", is_flag=True, help="Say what would be scanned and why, and scan nothing.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict; errors of usage still count.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing if all models pass.")
@click.option("-v", "--verbose", is_flag=True, help="Print every model and class in full.")
def check(
    paths: tuple[str, ...],
    staged: bool,
    diff: str | None,
    files_from: str | None,
    policy_source: str | None,
    policy_from: str | None,
    waivers: str | None,
    baseline: str | None,
    profile: str | None,
    data: str | None,
    data_role: str,
    meta: str | None,
    input_range: str | None,
    outputs: tuple[str, ...],
    seed: int,
    jobs: int,
    budget: float | None,
    shard: str,
    is_static: bool,
    require_sandbox: bool | None,
    cache_dir: str | None,
    no_cache: bool,
    attestation_key: str | None,
    is_list: bool,
    exit_zero: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Scan Keras models (.h5, .hdf5, .keras) and judge them by the policy.

    Without PATH, --staged, --diff or --files-from the current folder is searched.
    """
    from gate import pipeline
    from gate.cli.governing_policy import Wanted, governing_policy
    from gate.cli.outputs import parse_targets, write
    from gate.cli.plan import show_plan
    from gate.cli.progress import listener
    from gate.cli.registry import all_rules
    from gate.cli.selecting import select
    from gate.cli.terminal import environment, is_ci

    targets = parse_targets(outputs)
    sign = _signer(attestation_key, targets)
    root, environ = Path.cwd(), environ_for_git()
    selected = select(paths, staged=staged, diff=diff, files_from=files_from, root=root, environ=environ)
    wanted = Wanted(policy=policy_source, origin=policy_from, waivers=waivers, baseline=baseline, meta=meta)
    governing = governing_policy(wanted, selected, root, environ)
    request = pipeline.Request(
        selection=selected.with_notices(governing.notices),
        policy=governing.policy,
        exemptions=governing.exemptions,
        root=root,
        store=governing.store,
        store_root=governing.root,
        environ=environ,
        profile=profile or governing.policy.profile or "quick",
        seed=seed,
        jobs=jobs,
        budget=budget,
        shard=_parse_shard(shard),
        input_range=parse_range(input_range),
        data=data_call(data, data_role, root),
        is_static=is_static,
        require_sandbox=is_ci(environ) if require_sandbox is None else require_sandbox,
        cache=None if no_cache or is_list else open_cache(cache_dir, environment()),
    )
    if is_list:
        return show_plan(request)
    with listener() as events:
        report = pipeline.run(request, events)
    write(report, targets, all_rules(), verbose=verbose, quiet=quiet, sign=sign)
    return _exit_code(report, exit_zero=exit_zero)


def data_call(path: str | None, role: str, root: Path) -> DataCall | None:
    """Return the data set that `--data` names; None without.

    Raises:
        UsageError: It does not exist.
    """
    if path is None:
        return None
    if not (root / path).exists():
        raise UsageError(
            f"--data: {path} does not exist.",
            hint="Name an .npz file, a folder of class folders, a .csv list, TFRecord files, or a folder that tf.data saved.",
        )
    return DataCall(path=path, role=Role(role))


def _exit_code(report: ScanReport, *, exit_zero: bool) -> ExitCode:
    if exit_zero and report.exit_code:
        click.echo(f"backdoor-gate: --exit-zero hides exit code {report.exit_code.value}.", err=True)
        return ExitCode.PASS
    return report.exit_code


def _signer(key: str | None, targets: Sequence[Target]) -> Callable[[str], str] | None:
    """Return what signs an attestation; the key is read before the scan, not minutes later."""
    from gate.cli.outputs import ATTESTATION

    written = [target for target in targets if target.format == ATTESTATION]
    if key is None or not written:
        return None
    if any(target.path is None for target in written):
        raise UsageError(
            "--attestation-key: only a file is signed.", hint="Such as --output attestation=a.json"
        )
    from gate.attest import dsse

    try:
        signer = dsse.private_key(Path(key).read_bytes())
    except OSError as error:
        raise UsageError(
            f"--attestation-key: {key} cannot be read: {error.strerror}.", hint="Name a PEM file."
        ) from error
    return lambda statement: dsse.sign(statement, signer)


def environ_for_git() -> Mapping[str, str]:
    """Return what git, and in part the scanning process, may know of the environment."""
    from gate.cli.terminal import environment

    return {name: value for name, value in environment().items() if name not in _SECRETS}


def parse_range(value: str | None) -> tuple[float, float] | None:
    """Return the range that `--input-range` states; None without.

    Raises:
        UsageError: It is none.
    """
    if value is None:
        return None
    parts = value.split(",")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(
            f"--input-range: expected LOW,HIGH with LOW < HIGH, received {value!r}.",
            hint="Such as --input-range=-1,1",
        )
    return low, high


def _parse_shard(value: str) -> tuple[int, int]:
    try:
        return share(value)
    except ValueError as error:
        raise UsageError(f"--shard: {error}.", hint="Such as --shard 2/4") from error


def _check_executor(value: str) -> None:
    if value == "local":
        return
    if value.partition(":")[0] in _EXECUTORS_TO_COME:
        raise UsageError(
            f"--executor: {value} is not available in this version.", hint="Use --jobs and --shard I/N."
        )
    raise UsageError(f"--executor: expected local, received {value!r}.", hint="Leave it out.")
