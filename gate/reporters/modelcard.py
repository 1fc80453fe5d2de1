"""A section for a model's card (README.md): what was scanned, how, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from gate.core.evidence import Evidence, Status
from gate.core.report import ArtifactReport, ScanReport
from gate.core.rule import Rule
from gate.core.scale import LIMIT
from gate.reporters.parts.look import Look
from gate.reporters.parts.markdown_text import code, escape
from gate.reporters.parts.words import number, percent, size

_CAVEAT = "A model that passes shows no sign of the backdoors that these detectors look for. That is no proof that it has none.\n"


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return one section with a table per model."""
    names = {rule.id: rule.name for rule in rules}
    entries = sorted(report.artifacts, key=lambda entry: entry.artifact.path)
    tables = [_table(entry, report, names) for entry in entries] or ["No model was scanned.\n"]
    return "\n".join(["## Backdoor scan\n", *tables, _CAVEAT])


def _table(entry: ArtifactReport, report: ScanReport, names: dict[str, str]) -> str:
    rows = (*_identity(entry), *_terms(entry, report), *_results(entry, names))
    return "| | |\n|:--|:--|\n" + "".join(f"| {name} | {text} |\n" for name, text in rows)


def _identity(entry: ArtifactReport) -> Iterator[tuple[str, str]]:
    artifact = entry.artifact
    yield "Model", f"{code(artifact.path)}, {size(artifact.size)}"
    yield "SHA-256", code(artifact.sha256 or "unknown")
    if entry.content_sha256:
        yield "SHA-256 of the network, however saved", code(entry.content_sha256)


def _terms(entry: ArtifactReport, report: ScanReport) -> Iterator[tuple[str, str]]:
    yield "Verdict", f"**{entry.verdict.value}**"
    yield (
        "Scanned by",
        f"backdoor-gate {escape(report.version)}, {escape(report.profile)} profile, seed {report.seed}",
    )
    if report.sandbox:
        yield "Sandbox", code(report.sandbox)
    policy = report.policy
    yield "Policy", f"{code(policy.source)}, sha256 {code(policy.sha256[:12])}"
    for name, stamp in report.exceptions:
        yield name.capitalize(), f"{code(stamp.source)}, sha256 {code(stamp.sha256[:12])}"


def _results(entry: ArtifactReport, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for each in entry.evidence:
        yield code(each.detector), _measured(each)
    if entry.score is not None:
        yield "Probability of a backdoor", percent(entry.score)
    for finding in entry.findings:
        title = f"{finding.rule} {names.get(finding.rule, '')}".rstrip()
        yield f"Finding {escape(title)}", escape(finding.message)
    for gap in entry.not_checked:
        yield "Not checked", escape(str(gap))
    for exemption in entry.exemptions:
        yield f"{escape(exemption.rule)} does not count", escape(str(exemption))


def _measured(evidence: Evidence) -> str:
    if evidence.status is not Status.MEASURED:
        return f"{evidence.status.value}: {escape(evidence.reason)}"
    index = f"anomaly index {number(evidence.anomaly_index)}"
    remark = f"; {escape(evidence.inconclusive)}" if evidence.inconclusive else ""
    return f"{index} (at most 1 % of clean models exceed {LIMIT:.1f}){remark}"
