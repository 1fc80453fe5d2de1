"""Findings and gaps as one list of things to tell, for formats that know only one kind of message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gate.core.exemption import Exemption
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, ScanReport, Verdict
from gate.core.rule import Confidence, Rule, Severity
from gate.reporters.parts.words import stops_run


class Level(StrEnum):
    """What a concern does to the run, in SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """A finding or a gap of one model.

    Attributes:
        entry: The model.
        finding: What to tell; a gap is told as a finding.
        level: ERROR if it stops the run, WARNING if it does not, NOTE if the policy has waived or tolerated it.
        is_gap: Whether it is about the scan, not about the model.
        occurrence: 1 for the first concern with this fingerprint in the report, 2 for the next.
        exemption: Why it does not count; None if it does.
    """

    entry: ArtifactReport
    finding: Finding
    level: Level
    is_gap: bool
    occurrence: int
    exemption: Exemption | None = None

    @property
    def fingerprint(self) -> str:
        """The finding's fingerprint in this model's file."""
        return self.finding.fingerprint(self.entry.artifact.path)


def concerns(report: ScanReport, rules: Sequence[Rule]) -> tuple[Concern, ...]:
    """Return every finding and gap of a run, worst first, then by path."""
    severities = {rule.id: rule.severity for rule in rules}
    told: list[Concern] = []
    seen: dict[str, int] = {}
    for entry in sorted(report.artifacts, key=lambda entry: entry.artifact.path):
        gaps = [_as_finding(gap, severities) for gap in entry.not_checked]
        for finding, is_gap in [(f, False) for f in entry.findings] + [(g, True) for g in gaps]:
            key = finding.fingerprint(entry.artifact.path)
            seen[key] = seen.get(key, 0) + 1
            told.append(
                Concern(
                    entry=entry,
                    finding=finding,
                    level=_level(entry, finding.rule, is_gap=is_gap),
                    is_gap=is_gap,
                    occurrence=seen[key],
                    exemption=entry.exemption(finding.rule),
                )
            )
    levels, ranks = tuple(Level), tuple(Severity)
    return tuple(sorted(told, key=lambda c: (levels.index(c.level), ranks.index(c.finding.severity))))


def _as_finding(gap: Gap, severities: dict[str, Severity]) -> Finding:
    return Finding(
        rule=gap.rule,
        severity=severities.get(gap.rule, Severity.MEDIUM),
        confidence=Confidence.HIGH,
        message=gap.message,
    )


def _level(entry: ArtifactReport, rule: str, *, is_gap: bool) -> Level:
    if entry.exemption(rule):
        return Level.NOTE
    if is_gap and entry.verdict is Verdict.FAIL:
        return Level.WARNING
    if stops_run(entry):
        return Level.ERROR
    return Level.NOTE if entry.tolerated or entry.verdict is Verdict.WAIVED else Level.WARNING
