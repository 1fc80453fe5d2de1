"""`backdoor-gate policy`: check, show and describe policy files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gate.core.errors import PolicyError


@click.group(short_help="Check, show and describe policy files.")
def policy() -> None:
    """Work with policy files."""


@policy.command("check", short_help="Say whether policy files can be used.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def check_policy(files: tuple[str, ...]) -> int:
    """Check policy files (or the one that `check` would find) and name every mistake with its place.

    Without FILE, or where FILE is one of them, .backdoor-gate/waivers.yaml and baseline.json are checked, too.
    """
    from gate.policy.waivers.loader import BASELINE, WAIVERS

    exceptions = {WAIVERS, BASELINE}.intersection(files)
    policies: list[str | None] = [file for file in files if file not in exceptions]
    problems = []
    for file in policies or [None]:
        try:
            _check_one(file, with_exceptions=bool(exceptions) or not files)
        except PolicyError as error:
            problems.append(error)
    if problems:
        hint = next((error.hint for error in problems if error.hint), "")
        raise PolicyError("\n".join(str(error) for error in problems), hint=hint)
    return 0


def _check_one(file: str | None, *, with_exceptions: bool) -> None:
    from gate.cli.clock import today
    from gate.cli.registry import all_rules, known_detectors
    from gate.cli.terminal import environment
    from gate.policy import loader
    from gate.policy.store import WorkingTree
    from gate.policy.waivers.loader import BASELINE, WAIVERS, Files, load

    root = Path.cwd()
    policy = loader.load(file, known_detectors(), loader.builtin_directory(), root)
    click.echo(f"{policy.source}: valid (sha256 {policy.stamp.sha256[:12]})")
    if with_exceptions:
        files = Files(waivers=root / WAIVERS, baseline=root / BASELINE, store=WorkingTree(root=root))
        rules = frozenset(rule.id for rule in all_rules())
        found = load(files, rules, today(environment()), policy.waivers.max_days)
        for stamp, entries in ((found.waivers_stamp, found.waivers), (found.baseline_stamp, found.baseline)):
            if stamp:
                click.echo(f"{stamp.source}: valid, {len(entries)} entries (sha256 {stamp.sha256[:12]})")


@policy.command("show", short_help="Print a policy as it is applied.")
@click.argument("file", required=False, metavar="[FILE|NAME]")
@click.option(
    "--path", "model", metavar="MODEL", help="What holds for this model, with all path overrides applied."
)
def show_policy(file: str | None, model: str | None) -> int:
    """Print the resolved policy as YAML."""
    import yaml

    from gate.cli.registry import known_detectors
    from gate.policy.loader import builtin_directory, load

    loaded = load(file, known_detectors(), builtin_directory(), Path.cwd())
    document = loaded.resolved() if model is None else loaded.for_path(model).document()
    click.echo(f"# {loaded.source}, sha256 {loaded.stamp.sha256}")
    click.echo(
        yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, allow_unicode=True), nl=False
    )
    return 0


@policy.command("schema", short_help="Print the JSON Schema of policy files.")
@click.argument("kind", type=click.Choice(["policy", "waivers", "baseline"]), default="policy")
def show_schema(kind: str) -> int:
    """Print the JSON Schema (2020-12) that editors use to complete and check these files."""
    from gate.cli.registry import known_detectors
    from gate.policy.schema import schema
    from gate.policy.waivers.loader import schema_of

    click.echo(json.dumps(schema(known_detectors()) if kind == "policy" else schema_of(kind), indent=2))
    return 0
