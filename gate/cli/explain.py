"""`backdoor-gate explain`: what a rule means, or why a run ended as it did."""

from __future__ import annotations

import dataclasses
import difflib
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli import suggestions
from gate.core.errors import GateError, UsageError
from gate.core.report import ArtifactReport, ScanReport, Verdict
from gate.core.rule import Rule
from gate.core.text import printable

if TYPE_CHECKING:
    from gate.policy.model import Policy


@click.command(short_help="Say what a rule means, or why a run failed.")
@click.argument("topic", required=False, metavar="[RULE|REPORT.json]", shell_complete=suggestions.topics)
@click.argument("path", required=False, metavar="[PATH]")
def explain(topic: str | None, path: str | None) -> int:
    """Explain a rule (BD101, or its name), a detector, or a JSON report. Without argument: list all rules.

    Of a report it says why each model (or the one at PATH) did not pass, what would make it pass, a waiver to fill in,
    and the command that repeats the scan.
    """
    from gate.cli.registry import all_rules

    rules = all_rules()
    if topic is None:
        for rule in rules:
            click.echo(f"{rule.id}  {rule.name:24} {rule.summary}")
        return 0
    if topic.endswith(".json") or Path(topic).is_file():
        return _explain_report(topic, path, rules)
    if path is not None:
        raise UsageError(
            f"PATH belongs to a report; {topic!r} is none.", hint="backdoor-gate explain REPORT.json PATH"
        )
    click.echo(page(_find(topic, rules)))
    return 0


def _find(topic: str, rules: tuple[Rule, ...]) -> Rule:
    from gate import detectors

    names = {name: rule for rule in rules for name in (rule.id.lower(), rule.name)}
    names |= {detector: detectors.detector_class(detector).RULE for detector in detectors.ids()}
    if topic.lower() in names:
        return names[topic.lower()]
    close = difflib.get_close_matches(topic.lower(), names, n=1)
    hint = f"Did you mean {close[0]}?" if close else "backdoor-gate explain lists all rules."
    raise UsageError(f"There is no rule {topic!r}.", hint=hint)


def page(rule: Rule) -> str:
    """Return the page of a rule as Markdown."""
    lines = [f"# {rule.id} {rule.name}", "", rule.summary, "", rule.page.strip(), ""]
    kind = "stops the scan (exit 3)" if rule.stops else f"severity {rule.severity}"
    marks = [kind, *(f"CWE-{number}" for number in rule.cwe), *(f"MITRE ATLAS {item}" for item in rule.atlas)]
    return "\n".join([*lines, " | ".join(marks)])


def _explain_report(name: str, path: str | None, rules: tuple[Rule, ...]) -> int:
    from gate.cli.merge import read_report
    from gate.cli.outputs import Target, write
    from gate.cli.why import why

    report = read_report(name)
    if path is not None:
        report = dataclasses.replace(report, artifacts=(_entry(report, path, name),))
    write(report, (Target("console", None),), rules, verbose=True, quiet=False)
    policy = _policy(report)
    for entry in report.artifacts:
        if path is not None or entry.verdict is not Verdict.PASS:
            click.echo("\n" + "\n".join(why(entry, report, {rule.id: rule for rule in rules}, policy)))
    met = {finding.rule for entry in report.artifacts for finding in entry.findings}
    met |= {gap.rule for entry in report.artifacts for gap in entry.not_checked}
    for rule in rules:
        if rule.id in met:
            click.echo(f"\n{page(rule)}")
    return 0


def _entry(report: ScanReport, path: str, name: str) -> ArtifactReport:
    models = {entry.artifact.path: entry for entry in report.artifacts}
    wanted = posixpath.normpath(path)
    if wanted in models:
        return models[wanted]
    close = difflib.get_close_matches(wanted, models, n=1, cutoff=0.4)
    raise UsageError(
        f"{name} holds no model {wanted!r}.", hint=f"Did you mean {printable(close[0])!r}?" if close else ""
    )


def _policy(report: ScanReport) -> Policy | None:
    """Return the policy that judged, if it still says the same."""
    from gate.cli.registry import load_policy

    source = report.policy.source.removeprefix("built-in ")
    try:
        policy = load_policy(source)
    except GateError:
        return None
    return policy if policy.stamp.sha256 == report.policy.sha256 else None
