"""Markdown for GitHub's job summary and for comments on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Unpack

from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, ScanReport, Verdict
from gate.core.rule import Rule
from gate.core.scale import LIMIT as CLEAN_LIMIT
from gate.reporters.parts.look import Look
from gate.reporters.parts.markdown_text import code, escape
from gate.reporters.parts.picture import picture, shaded
from gate.reporters.parts.words import (
    labels,
    leading_trigger,
    meaning,
    number,
    percent,
    ranked,
    size,
    stops_run,
    suspects_words,
    tally,
    trigger_words,
)

# GitHub drops a summary of more than 1 MiB; the rest is for what else the job writes.
LIMIT = 900 * 1024
_SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCOMPLETE: "⚠️", Verdict.WAIVED: "☑️"}


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the report as GitHub-flavoured Markdown of at most 900 KiB."""
    names = {rule.id: rule.name for rule in rules}
    entries = ranked(report)
    rows = [_row(entry) for entry in entries]
    details = [_details(entry, names) for entry in entries if _has_more_to_tell(entry)]
    return _fit([_headline(report), *rows, "\n", *details, _footer(report)])


def _has_more_to_tell(entry: ArtifactReport) -> bool:
    return stops_run(entry) or bool(entry.findings or entry.not_checked)


def _headline(report: ScanReport) -> str:
    sign = _SIGNS[report.verdict]
    head = f"## {sign} backdoor-gate: {', '.join(tally(report))}\n\n"
    head += f"Exit code {int(report.exit_code)}: {meaning(report)}.\n\n"
    head += "".join(f"> {escape(notice)}\n\n" for notice in report.notices)
    if not report.artifacts:
        return head
    return head + "| Verdict | Model | Anomaly index | Target class | Size |\n|:--|:--|--:|--:|--:|\n"


def _row(entry: ArtifactReport) -> str:
    artifact = entry.artifact
    verdict = f"{entry.verdict}, tolerated" if entry.tolerated else entry.verdict
    index = number(entry.anomaly_index)
    return (
        f"| {_SIGNS[entry.verdict]} {verdict} | {code(artifact.path)} | {index} "
        f"| {labels(entry.target_labels)} | {size(artifact.size)} |\n"
    )


def _details(entry: ArtifactReport, names: dict[str, str]) -> str:
    is_open = " open" if entry.verdict is Verdict.FAIL else ""
    parts = [
        f"<details{is_open}><summary>{_SIGNS[entry.verdict]} {code(entry.artifact.path)}</summary>\n",
        f"sha256 {code(entry.artifact.sha256 or 'unknown')}\n",
        *(_finding(finding, names) for finding in entry.findings),
        *(f"- Not checked: {escape(str(gap))}\n" for gap in entry.not_checked),
        *(f"- **Does not count:** {escape(each.rule)}, {escape(str(each))}\n" for each in entry.exemptions),
        _trigger(entry),
        _evidence_table(entry.evidence),
        "</details>\n\n",
    ]
    return "\n".join(part for part in parts if part)


def _finding(finding: Finding, names: dict[str, str]) -> str:
    name = names.get(finding.rule, "")
    title = f"**{escape(finding.rule)} {escape(name)}".rstrip() + "**"
    grade = f"({finding.severity}, {finding.confidence} confidence)"
    remedy = f"  \n  **What to do:** {escape(finding.remedy)}" if finding.remedy else ""
    return f"- {title} {grade}  \n  {escape(finding.message)}{remedy}\n"


def _trigger(entry: ArtifactReport) -> str:
    trigger = leading_trigger(entry)
    drawing = picture(trigger) if trigger else None
    if trigger is None or drawing is None:
        return ""
    lines = "\n".join(shaded(drawing))
    return f"Recovered trigger: {trigger_words(trigger)}.\n\n```text\n{lines}\n```\n"


def _evidence_table(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    head = (
        "| Detector | Anomaly index | Paper's statistic | Target class | Trigger | Success |\n"
        "|:--|--:|--:|--:|--:|--:|\n"
    )
    note = f"At most 1 % of clean models have an anomaly index above {CLEAN_LIMIT:.1f}.\n"
    return head + "".join(_evidence_row(e) for e in evidence) + "\n" + note + _remarks(evidence)


def _evidence_row(evidence: Evidence) -> str:
    trigger = evidence.trigger
    cells = (
        code(evidence.detector),
        number(evidence.anomaly_index) if evidence.status is Status.MEASURED else str(evidence.status),
        number(evidence.paper_statistic),
        labels(evidence.target_labels),
        f"{trigger.l1_norm:.1f} px" if trigger else "-",
        percent(trigger.attack_success_rate) if trigger else "-",
    )
    return f"| {' | '.join(cells)} |\n"


def _remarks(evidence: Sequence[Evidence]) -> str:
    said = [(e.detector, escape(e.reason or e.inconclusive)) for e in evidence]
    said += [(e.detector, f"{escape(suspects_words(e.suspects))}.") for e in evidence if e.suspects]
    return "".join(f"\n- {code(detector)}: {text}\n" for detector, text in said if text)


def _footer(report: ScanReport) -> str:
    policy = report.policy
    sandbox = f", sandbox {code(report.sandbox)}" if report.sandbox else ""
    return (
        f"<sub>backdoor-gate {escape(report.version)}, {escape(report.profile)} profile, "
        f"seed {report.seed}, policy {code(policy.source)} "
        f"(sha256 <code>{escape(policy.sha256[:12])}</code>){_exceptions(report)}{sandbox}</sub>\n"
    )


def _exceptions(report: ScanReport) -> str:
    return "".join(
        f", {name} {code(stamp.source)} (sha256 <code>{escape(stamp.sha256[:12])}</code>)"
        for name, stamp in report.exceptions
    )


def _fit(parts: Iterable[str]) -> str:
    """Join whole parts up to the limit; a cut within one could leave a table or a tag open."""
    note = "\n**The rest is cut: GitHub shows no more than 1 MiB. The JSON report has everything.**\n"
    room = LIMIT - len(note.encode())
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode())
        if room < 0:
            return "".join(kept) + note
        kept.append(part)
    return "".join(kept)
