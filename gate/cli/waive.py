"""`backdoor-gate waive` and `baseline`: accept findings of a report, for a while or as what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from gate.core.errors import UsageError, usable
from gate.core.incomplete_rules import STOPS
from gate.core.report import ScanReport
from gate.policy.model import Policy
from gate.policy.waivers.loader import BASELINE, WAIVERS

_USUAL_DAYS = 30
_BINDING = click.option(
    "--bind",
    type=click.Choice(["sha256", "content"]),
    default="sha256",
    show_default=True,
    help="What entries are bound to: the file, or the network, which a file that was only saved again keeps.",
)


@click.command(short_help="Accept findings of a report for a while.")
@click.argument("report", metavar="REPORT.json")
@click.option("--path", "paths", multiple=True, metavar="MODEL", help="Only of this model; may be repeated.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only this rule; may be repeated.")
@click.option("--reason", required=True, help="Why it is acceptable.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option(
    "--days", type=click.IntRange(1), help=f"Days that it counts; {_USUAL_DAYS}, or what the policy allows."
)
@_BINDING
@click.option("--file", default=WAIVERS, show_default=True, metavar="FILE", help="Waiver file to add to.")
def waive(
    report: str,
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    reason: str,
    owner: str,
    days: int | None,
    bind: str,
    file: str,
) -> int:
    """Add waivers for findings of a JSON report that nothing excuses yet.

    Each is bound to the rule, the model and its content, and ends. An incomplete scan is waived only by naming its
    rule with --rule, where the policy allows it.
    """
    from gate.cli.clock import today
    from gate.cli.merge import read_report
    from gate.cli.registry import load_policy
    from gate.cli.terminal import environment, harmless
    from gate.policy.waivers.writing import excusable, waivers_text

    policy = load_policy(None)
    _require_allowed(rules, policy)
    if not reason.strip() or not owner.strip():
        raise UsageError(
            "--reason and --owner: expected words.", hint="Somebody will read them when it expires."
        )
    expires = today(environment()) + timedelta(days=_days(days, policy))
    scanned = read_report(report)
    found = excusable(scanned, paths, rules, bind)
    if not found:
        raise UsageError(
            f"{report}: nothing to waive: no such finding that counts.", hint="Check --path and --rule."
        )
    text = waivers_text(_present(Path(file)), found, reason=reason, owner=owner, expires=expires)
    _save(file, text)
    for each in found:
        click.echo(harmless(f"{each.path}: {each.rule} is waived until {expires} ({file})."))
    for line in _incomplete(scanned, {each.path for each in found}, rules):
        click.echo(harmless(line), err=True)
    return 0


def _incomplete(report: ScanReport, paths: set[str], rules: tuple[str, ...]) -> Iterator[str]:
    for entry in report.artifacts:
        missing = sorted({gap.rule for gap in entry.not_checked}.difference(rules))
        if entry.artifact.path in paths and missing:
            yield f"{entry.artifact.path}: the scan is incomplete ({', '.join(missing)}), and stays so."


@click.command(short_help="Accept what a report found as known.")
@click.argument("report", metavar="REPORT.json")
@_BINDING
@click.option("--file", default=BASELINE, show_default=True, metavar="FILE", help="Baseline file to write.")
def baseline(report: str, bind: str, file: str) -> int:
    """Write the findings of a JSON report as the baseline: `check` no longer fails for them, but for new ones.

    A model that changes is no longer covered. Incomplete scans are not part of it.
    """
    from gate.cli.merge import read_report
    from gate.core.exemption import Ground
    from gate.policy.waivers.writing import baseline_text, excusable

    scanned = read_report(report)
    found = excusable(scanned, (), (), bind, grounds=(Ground.BASELINE,))
    _save(file, baseline_text(found))
    click.echo(f"{file}: {len(found)} finding(s) of {len({each.path for each in found})} model(s).")
    return 0


def _save(file: str, text: str) -> None:
    from gate.cli.outputs import replace_file

    with usable(f"--file: {file} cannot be written", "Name another file."):
        replace_file(Path(file), text.encode())


def _require_allowed(rules: tuple[str, ...], policy: Policy) -> None:
    from gate.cli.registry import all_rules
    from gate.policy.check import unknown

    known = [rule.id for rule in all_rules()]
    for rule in rules:
        if rule not in known:
            raise UsageError(f"--rule: there is no rule {rule!r}, {unknown(rule, known)}.")
    stops = {rule.id for rule in STOPS}.intersection(rules)
    if stops and not policy.waivers.allow_incomplete:
        raise UsageError(
            f"--rule: {', '.join(sorted(stops))} is an incomplete scan, which the policy does not let be waived.",
            hint="`waivers: {allow_incomplete: true}` in the policy.",
        )


def _days(wanted: int | None, policy: Policy) -> int:
    most = policy.waivers.max_days
    if wanted is not None and wanted > most:
        raise UsageError(
            f"--days: expected at most {most}, as the policy's `waivers.max_days` says, received {wanted}."
        )
    return wanted or min(_USUAL_DAYS, most)


def _present(file: Path) -> str:
    """Return the content of a waiver file, checked; "" if there is none."""
    from gate.policy.store import WorkingTree
    from gate.policy.waivers.loader import read_checked

    store = WorkingTree(root=Path.cwd())
    source = read_checked(Path.cwd() / file, "waivers", store)
    return "" if source is None else file.read_text("utf-8-sig")
