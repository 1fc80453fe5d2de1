"""Waivers and baseline, checked: each entry bound to a rule, a path and the content of the file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gate.core.exemption import Exemption, Ground
from gate.core.report import ArtifactReport, PolicyStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One rule on one content of one file.

    Attributes:
        rule: Id of the rule.
        path: Of the model, as reports name it.
        digest: "sha256:" and the digest of the file, or "content:" and that of the network in it.
        source: Where the entry stands, as file:line.
    """

    rule: str
    path: str
    digest: str
    source: str

    def is_of(self, report: ArtifactReport) -> bool:
        """Return whether this is the model, byte by byte or weight by weight."""
        return self.path == report.artifact.path and self.digest in digests(report)

    @property
    def exemption(self) -> Exemption:
        """What a report says of it."""
        return Exemption(rule=self.rule, ground=Ground.BASELINE, source=self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Known):
    """A finding that somebody accepts for a while.

    Attributes:
        reason: Why.
        owner: Who answers for it.
        expires: Last day that it counts.
        max_anomaly_index: It counts only while no evidence of the rule exceeds this; None for no ceiling.
        max_score: As above for the probability of a backdoor, 0..1.
    """

    reason: str
    owner: str
    expires: date
    max_anomaly_index: float | None = None
    max_score: float | None = None

    @property
    def exemption(self) -> Exemption:
        """What a report says of it."""
        return Exemption(
            rule=self.rule,
            ground=Ground.WAIVER,
            source=self.source,
            reason=self.reason,
            owner=self.owner,
            expires=self.expires.isoformat(),
        )

    def covers(self, report: ArtifactReport) -> bool:
        """Return whether what was measured stays below the ceilings; what was not measured does not."""
        return not self.excess(report)

    def excess(self, report: ArtifactReport) -> str:
        """Return which ceiling is exceeded; "" if none is."""
        indices = [each.anomaly_index for each in report.evidence if each.rule == self.rule]
        index = max((each for each in indices if each is not None), default=report.anomaly_index)
        for name, value, ceiling in (
            ("anomaly index", index, self.max_anomaly_index),
            ("score", report.score, self.max_score),
        ):
            if ceiling is not None and (value is None or not value <= ceiling):
                shown = "not known" if value is None else f"{value:.4g}"
                return f"{name} up to {ceiling:g}, and it is {shown}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemptions:
    """All exceptions of a run.

    Attributes:
        today: The day of the run.
        waivers: As they stand in the file.
        baseline: As it stands in the file.
        waivers_stamp: Digest and source of the waivers; None if there is no file.
        baseline_stamp: Digest and source of the baseline; None if there is no file.
    """

    today: date
    waivers: tuple[Waiver, ...] = ()
    baseline: tuple[Known, ...] = ()
    waivers_stamp: PolicyStamp | None = None
    baseline_stamp: PolicyStamp | None = None

    def is_expired(self, waiver: Waiver) -> bool:
        """Return whether the waiver's last day is over."""
        return waiver.expires < self.today


def digests(report: ArtifactReport) -> frozenset[str]:
    """Return every name of a model's content that a waiver may use; the most telling one sorts last."""
    named = (("content", report.content_sha256), ("sha256", report.artifact.sha256))
    return frozenset(f"{kind}:{digest}" for kind, digest in named if digest)
