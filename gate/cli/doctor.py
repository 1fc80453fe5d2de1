"""`backdoor-gate doctor`: whether this machine can run the gate, proven on two models that come with it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

import gate
from gate.core.errors import GateError
from gate.core.report import ExitCode
from gate.core.text import harmless

_ENGINE = ("tensorflow", "keras", "scikit-learn")
_TOOLS = (
    ("git", "needed by --staged and --diff"),
    ("git-lfs", "needed where models are kept in Git LFS"),
    ("dvc", "needed where models are kept in DVC"),
)
_TENSORFLOWS = ("tensorflow", "tensorflow-cpu")
# A process of its own: what locks itself in stays locked in.
_PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import gate
sys.path.append(sys.path.pop(0))
from pathlib import Path
from gate.sandbox import confine
print(confine(readable=(), workspace=Path(sys.argv[2])))
"""


class State(StrEnum):
    """How well it stands with something."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the table."""

    state: State
    name: str
    told: str


@click.command(short_help="Say whether this machine can run the gate, and prove it.")
@click.option("--no-self-test", is_flag=True, help="Leave out the scan of the two models, half a minute.")
def doctor(no_self_test: bool) -> int:
    """Check this machine: versions, engine, sandbox, tools, policy, and a scan of a clean and a backdoored model.

    Exit codes: 0 the gate works here; 3 it does not.
    """
    is_broken = False
    for check in _checks(is_tested=not no_self_test):
        click.echo(f"{check.state:<4}  {check.name:<12}  {harmless(check.told)}")
        is_broken = is_broken or check.state is State.FAIL
    click.echo(f"\n{_conclusion(is_broken=is_broken, is_tested=not no_self_test)}")
    return ExitCode.INCOMPLETE if is_broken else ExitCode.PASS


def _conclusion(*, is_broken: bool, is_tested: bool) -> str:
    if is_broken:
        return "The gate does not work here."
    return "The gate works here." if is_tested else "Nothing is missing; only the self-test proves more."


def _checks(*, is_tested: bool) -> Iterator[Check]:
    yield Check(state=State.OK, name="gate", told=f"{gate.__version__} in {Path(gate.__file__).parent}")
    yield Check(
        state=State.OK, name="python", told=f"{platform.python_version()} on {platform.platform(terse=True)}"
    )
    yield (engine := _engine())
    yield _sandbox()
    yield from (_tool(name, purpose) for name, purpose in _TOOLS)
    yield _policy()
    if not is_tested:
        yield Check(state=State.NOTE, name="self-test", told="left out")
    elif engine.state is State.FAIL:
        yield Check(state=State.FAIL, name="self-test", told="not possible without the engine")
    else:
        yield _self_test()


def _engine() -> Check:
    found = {name: _version(name) for name in _ENGINE}
    missing = [name for name, number in found.items() if not number]
    if missing:
        told = f"{', '.join(missing)} missing: pip install '.[scan]' in a checkout of the gate"
        return Check(state=State.FAIL, name="engine", told=told)
    told = ", ".join(f"{name} {number}" for name, number in found.items())
    return Check(state=State.OK, name="engine", told=told)


def _version(package: str) -> str:
    for name in _TENSORFLOWS if package == "tensorflow" else (package,):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


def _sandbox() -> Check:
    from gate.cli.terminal import environment, is_ci

    package = str(Path(gate.__file__).parents[1])
    with tempfile.TemporaryDirectory(prefix="backdoor-gate-") as folder:
        probe = _run([sys.executable, "-I", "-c", _PROBE, package, folder])
    told = (probe.stdout.strip() or probe.stderr.strip().rpartition("\n")[2]) or "no answer"
    return sandbox_check(told, is_required=is_ci(environment()), is_crashed=probe.returncode != 0)


def sandbox_check(told: str, *, is_required: bool, is_crashed: bool = False) -> Check:
    """Return how it stands with the sandbox.

    Args:
        told: What is in force, in the words of `gate.core.confinement`.
        is_required: Whether a scan without it is refused.
        is_crashed: Whether the process that tried it died.
    """
    is_whole = not is_crashed and not told.startswith("none") and ";" not in told
    if is_whole:
        return Check(state=State.OK, name="sandbox", told=told)
    remark = "required, since CI is set (BD007)" if is_required else "scans run without it (SECURITY.md)"
    return Check(state=State.FAIL if is_required else State.NOTE, name="sandbox", told=f"{told}; {remark}")


def _tool(name: str, purpose: str) -> Check:
    place = shutil.which(name)
    if place is None:
        return Check(state=State.NOTE, name=name, told=f"not found; {purpose}")
    told = _run([place, "--version"]).stdout.partition("\n")[0]
    return Check(state=State.OK, name=name, told=f"{told or 'silent'} in {place}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter, or a tool that the gate runs anyway
            command, capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _policy() -> Check:
    from gate.cli.registry import load_policy

    try:
        policy = load_policy(None)
    except GateError as error:
        return Check(state=State.FAIL, name="policy", told=str(error))
    return Check(state=State.OK, name="policy", told=f"{policy.source} (sha256 {policy.stamp.sha256[:12]})")


def _self_test() -> Check:
    from gate.cli.self_test import complaints, scan, summary

    report = scan()
    wrong = complaints(report)
    if wrong:
        return Check(state=State.FAIL, name="self-test", told="; ".join(wrong))
    return Check(state=State.OK, name="self-test", told=summary(report))
