"""Judge a model of an earlier report anew: what was measured stays, what the policy makes of it may change."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import ArtifactReport
from gate.core.scan import Scan
from gate.policy.judge import judge
from gate.policy.model import PathPolicy
from gate.policy.policy_rules import HIGH_SCORE
from gate.policy.regression import unscanned_base

_LABEL = "label:"


def rejudged(entry: ArtifactReport, policy: PathPolicy, static_rules: Collection[str]) -> ArtifactReport:
    """Return the verdict on a model by another policy. Waivers and the baseline are left out.

    A detector that the policy enables and the report lacks makes the verdict incomplete, as it would in a scan. What a detector
    would measure with other parameters or another profile cannot be known. Findings of static rules no policy takes back.
    """
    stopped = tuple(each for each in entry.findings if each.rule in static_rules)
    scan = Scan(
        artifact=entry.artifact,
        evidence=entry.evidence,
        findings=stopped,
        # A scan that came to evidence has no gaps of its own; those of the verdict are found again.
        gaps=() if entry.evidence else entry.not_checked,
        model=entry.model,
        score=entry.score,
        joint_index=entry.anomaly_index,
        joint_label=_joint_label(entry.findings),
        seconds=entry.seconds,
    )
    # What the static checks stop has no evidence; what they let pass in a static run has none, either, and no policy can clear it.
    found = judge(scan, policy, base=_base(entry), is_static=bool(stopped))
    return dataclasses.replace(
        entry,
        verdict=found.verdict,
        tolerated=found.tolerated,
        target_labels=found.target_labels,
        findings=found.findings,
        not_checked=found.not_checked,
        exemptions=(),
    )


def _joint_label(findings: tuple[Finding, ...]) -> int | None:
    """Return the class that all evidence together points at, if the report says so."""
    said = (each.subject for each in findings if each.rule == HIGH_SCORE.id)
    return next((int(each.removeprefix(_LABEL)) for each in said if each.startswith(_LABEL)), None)


def _base(entry: ArtifactReport) -> Scan | None:
    """Return what the report says of the model that this one replaces; None if it says nothing."""
    indices = entry.difference.base_indices if entry.difference else ()
    gaps = unscanned_base(entry.not_checked)
    if not indices and not gaps:
        return None
    evidence = tuple(
        Evidence(detector=each.detector, rule="", status=Status.MEASURED, anomaly_index=each.anomaly_index)
        for each in indices
    )
    return Scan(artifact=entry.artifact, evidence=evidence, gaps=gaps)
