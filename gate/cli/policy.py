"""`backdoor-gate policy`: check, show, describe and try policy files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.core.errors import PolicyError
from gate.core.report import ArtifactReport, ScanReport, Verdict, exit_code

if TYPE_CHECKING:
    from gate.policy.model import Policy


@click.group(short_help="Check, show, describe and try policy files.")
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
    from gate.cli.registry import all_rules, load_policy
    from gate.cli.terminal import environment
    from gate.policy.store import WorkingTree
    from gate.policy.waivers.loader import BASELINE, WAIVERS, Files, load

    root = Path.cwd()
    policy = load_policy(file)
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

    from gate.cli.registry import load_policy

    loaded = load_policy(file)
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


@policy.command("test", short_help="Say what a policy would make of models that were scanned.")
@click.argument("reports", nargs=-1, required=True, metavar="REPORT.json...")
@click.option(
    "--policy", "file", metavar="FILE|NAME", help="The policy; without it the one that `check` would find."
)
def try_policy(reports: tuple[str, ...], file: str | None) -> int:
    """Judge the models of JSON reports by a policy, without scanning them again, and say what changes.

    The exit code is that of `check` with this policy on the same measurements: 0 all pass, 1 one fails, 3 one is incomplete. Waivers and
    the baseline are left out. What detectors would measure with another profile, other parameters or other data, only a scan tells.
    """
    from gate.cli.merge import read_report
    from gate.cli.registry import load_policy
    from gate.cli.terminal import harmless

    loaded = load_policy(file)
    read = [read_report(name) for name in reports]
    before = [entry for report in read for entry in report.artifacts]
    judged = [_judged(entry, loaded) for entry in before]
    lines = [f"{loaded.source} (sha256 {loaded.stamp.sha256[:12]})"]
    for old, new in zip(before, judged, strict=True):
        lines += _changes(old, new)
    for line in (*lines, *_remarks(read, loaded)):
        click.echo(harmless(line))
    return exit_code(each for each in judged if each)


def _judged(entry: ArtifactReport, loaded: Policy) -> ArtifactReport | None:
    """Return the verdict by the policy; None if it excludes the model."""
    from gate.policy.rejudging import rejudged
    from gate.triage.static_rules import RULES

    if loaded.is_excluded(entry.artifact.path):
        return None
    return rejudged(entry, loaded.for_path(entry.artifact.path), {rule.id for rule in RULES})


def _changes(old: ArtifactReport, new: ArtifactReport | None) -> Iterator[str]:
    """Yield the verdict on a model before and now, and why it is what it is."""
    path = old.artifact.path
    if new is None:
        yield f"{path}: {old.verdict} -> not scanned, for the policy excludes it"
        return
    is_same = (old.verdict, old.tolerated) == (new.verdict, new.tolerated)
    word = f"{new.verdict}, tolerated" if new.tolerated else str(new.verdict)
    yield f"{path}: {word}, as before" if is_same else f"{path}: {old.verdict} -> {word}"
    for finding in new.findings:
        yield f"  {finding.rule} {finding.message}"
    if new.verdict is Verdict.INCOMPLETE:
        for gap in new.not_checked:
            yield f"  {gap}"


def _remarks(reports: list[ScanReport], loaded: Policy) -> Iterator[str]:
    """Yield what keeps these reports from telling all about the policy."""
    if not any(report.artifacts for report in reports):
        yield "0 models in these reports."
    others = sorted({report.profile for report in reports if loaded.profile not in (None, report.profile)})
    if others:
        yield f"The policy asks for the profile {loaded.profile}, and the scans were {', '.join(others)}: scan to know."
