"""`backdoor-gate explain`: what a rule means, or why a run ended as it did."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from gate.core.errors import UsageError
from gate.core.rule import Rule


@click.command(short_help="Say what a rule means, or why a run failed.")
@click.argument("topic", required=False, metavar="RULE|REPORT.json")
def explain(topic: str | None) -> int:
    """Explain a rule (BD101, or its name), a detector, or a JSON report. Without argument: list all rules."""
    from gate.cli.registry import all_rules

    rules = all_rules()
    if topic is None:
        for rule in rules:
            click.echo(f"{rule.id}  {rule.name:24} {rule.summary}")
        return 0
    if topic.endswith(".json") or Path(topic).is_file():
        return _explain_report(topic, rules)
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


def _explain_report(name: str, rules: tuple[Rule, ...]) -> int:
    from gate.cli.merge import read_report
    from gate.cli.outputs import Target, write

    report = read_report(name)
    write(report, (Target("console", None),), rules, verbose=True, quiet=False)
    met = {finding.rule for entry in report.artifacts for finding in entry.findings}
    met |= {gap.rule for entry in report.artifacts for gap in entry.not_checked}
    for rule in rules:
        if rule.id in met:
            click.echo(f"\n{page(rule)}")
    return 0
