"""Judge the scan of one model by the policy: what was measured goes in, the verdict comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.incomplete_rules import INCONCLUSIVE, SCAN_FAILED
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.core.rule import Confidence
from gate.core.scan import Scan
from gate.core.words import listed
from gate.policy import wording
from gate.policy.model import Consequence, DetectorPolicy, OnSkip, PathPolicy, Statistic
from gate.policy.policy_rules import HIGH_SCORE
from gate.policy.regression import regressions, uncompared

# Half as much again as clean models reach is no longer a matter of taste.
_CLEAR_MARGIN = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One detector's evidence beside what the policy allows it."""

    evidence: Evidence
    allowed: DetectorPolicy

    @property
    def statistic(self) -> float | None:
        if self.allowed.statistic is Statistic.PAPER:
            return self.evidence.paper_statistic
        return self.evidence.anomaly_index

    @property
    def is_past_limit(self) -> bool:
        if self.statistic is None or self.evidence.is_cut:
            return False
        # This way round, whatever does not compare is past the limit.
        return not self.statistic <= self.allowed.max_anomaly_index


def judge(
    scan: Scan, policy: PathPolicy, *, base: Scan | None = None, is_static: bool = False
) -> ArtifactReport:
    """Return the verdict on one model with everything that led to it.

    Findings win over gaps: a model that fails is not excused by what could not be checked. A model passes only if
    every enabled detector was heard, at least one measured something, and nothing is past its limit.

    Args:
        scan: What is known of the model.
        policy: What its path must satisfy.
        base: What is known of the model under the same path at the base commit; None if there is none.
        is_static: Whether only static checks were asked for; then no detector has to be heard.
    """
    cases = _cases(scan, policy)
    accused = [case for case in cases if case.is_past_limit]
    # What all evidence says together is news only where no detector says it alone.
    by_score = () if accused else tuple(_score_findings(scan, policy))
    heard = (case.evidence for case in cases if not (case.is_past_limit or case.evidence.is_cut))
    worse = regressions(heard, base, policy)
    findings = (*scan.findings, *map(_finding, accused), *by_score, *worse)
    absences = () if is_static or scan.gaps else (*_absences(scan, cases, policy), *uncompared(base, policy))
    lacks = (gap for case in cases for gap in _case_gaps(case))
    gaps = (*scan.gaps, *lacks, *_cuts(cases), *_doubts(cases, policy), *absences)
    verdict = Verdict.FAIL if findings else Verdict.INCOMPLETE if gaps else Verdict.PASS
    return ArtifactReport(
        artifact=scan.artifact,
        verdict=verdict,
        score=scan.score,
        anomaly_index=scan.anomaly_index,
        target_labels=_target_labels(accused, scan if by_score else None),
        seconds=scan.seconds,
        not_checked=gaps,
        evidence=scan.evidence,
        findings=findings,
        model=scan.model,
        tolerated=verdict is Verdict.INCOMPLETE and policy.incomplete is Consequence.WARN,
    )


def _cases(scan: Scan, policy: PathPolicy) -> list[_Case]:
    allowed = {each.id: each for each in policy.detectors}
    cases = [
        # Evidence that the policy does not speak of is judged by the strict defaults, not ignored.
        _Case(evidence=each, allowed=allowed.get(each.detector) or DetectorPolicy(id=each.detector))
        for each in scan.evidence
    ]
    return [case for case in cases if case.allowed.enabled]


def _finding(case: _Case) -> Finding:
    evidence, limit = case.evidence, case.allowed.max_anomaly_index
    value = case.statistic
    assert value is not None
    is_clear = value >= _CLEAR_MARGIN * limit
    return Finding(
        rule=evidence.rule,
        severity=case.allowed.severity,
        confidence=Confidence.HIGH if is_clear else Confidence.MEDIUM,
        message=wording.accusation(evidence, wording.comparison(case.allowed.statistic, value, limit)),
        detector=evidence.detector,
        subject=f"label:{evidence.target_labels[0]}" if evidence.target_labels else "model",
        remedy=wording.remedy(evidence.rule),
    )


def _score_findings(scan: Scan, policy: PathPolicy) -> Iterator[Finding]:
    if scan.score is None or policy.max_score is None or scan.score <= policy.max_score:
        return
    score, limit = wording.apart(scan.score, policy.max_score)
    label = scan.joint_label
    where = "" if label is None else f" Class {label} stands out."
    yield Finding(
        rule=HIGH_SCORE.id,
        severity=HIGH_SCORE.severity,
        # The score sums up evidence that may not reach any limit by itself.
        confidence=Confidence.MEDIUM,
        message=f"The probability of a backdoor is {score} by all evidence together (allowed {limit}).{where}",
        subject="model" if label is None else f"label:{label}",
        remedy=wording.remedy(HIGH_SCORE.id),
    )


def _case_gaps(case: _Case) -> Iterator[Gap]:
    evidence, detector = case.evidence, case.evidence.detector
    if evidence.status is Status.FAILED:
        yield Gap(rule=SCAN_FAILED.id, message=f"{detector} failed: {wording.sentence(evidence.reason)}")
    elif evidence.status is Status.SKIPPED:
        if case.allowed.on_skip is OnSkip.FAIL:
            reason = wording.sentence(evidence.reason)
            mend = "Where that is acceptable, set its `on_skip: ignore` in the policy."
            yield Gap(rule=SCAN_FAILED.id, message=f"{detector} could not run: {reason} {mend}")
    elif case.statistic is None:
        mend = "Gate on `statistic: anomaly_index` instead."
        message = f"{detector} has no paper_statistic for this model, and the policy compares that. {mend}"
        yield Gap(rule=INCONCLUSIVE.id, message=message)


def _cuts(cases: list[_Case]) -> Iterator[Gap]:
    """Yield what was searched too little. A finding of another detector does not make up for it: an exception may cover that one."""
    for reason, detectors in _by_reason(case for case in cases if case.evidence.is_cut):
        yield Gap(rule=SCAN_FAILED.id, message=f"{listed(detectors)} searched too little. {reason}")


def _doubts(cases: list[_Case], policy: PathPolicy) -> Iterator[Gap]:
    """Yield why evidence cannot clear the model: each reason once, whoever gives it."""
    if policy.inconclusive is not Consequence.FAIL:
        return
    heard = (
        case
        for case in cases
        if case.evidence.status is Status.MEASURED and case.statistic is not None and not case.evidence.is_cut
    )
    for reason, detectors in _by_reason(case for case in heard if not case.is_past_limit):
        message = f"{listed(detectors)} cannot clear the model: {reason}"
        yield Gap(rule=INCONCLUSIVE.id, message=message)


def _by_reason(cases: Iterable[_Case]) -> Iterator[tuple[str, list[str]]]:
    """Yield each reason why evidence is inconclusive, as a sentence, and the detectors that give it."""
    doubtful: dict[str, list[str]] = {}
    for case in cases:
        doubtful.setdefault(case.evidence.inconclusive, []).append(case.evidence.detector)
    for reason, detectors in doubtful.items():
        if reason:
            yield wording.sentence(reason), detectors


def _absences(scan: Scan, cases: list[_Case], policy: PathPolicy) -> Iterator[Gap]:
    """Yield what nobody spoke of. A scan that has gaps (no engine, a pointer) said so itself already."""
    heard = {each.detector for each in scan.evidence}
    for each in policy.detectors:
        if each.enabled and each.id not in heard:
            yield Gap(
                rule=SCAN_FAILED.id,
                message=f"{each.id} is enabled but gave no evidence. Run it again with `-v`.",
            )
    if all(case.evidence.status is not Status.MEASURED for case in cases):
        mend = "Enable a detector that can run on this model, or give images with `--data`."
        yield Gap(rule=SCAN_FAILED.id, message=f"No detector measured anything on this model. {mend}")
    elif scan.score is None and policy.max_score is not None:
        mend = "Remove `max_score` from the policy, or use `--profile full`."
        yield Gap(rule=INCONCLUSIVE.id, message=f"The policy limits the score, but there is none. {mend}")


def _target_labels(accused: list[_Case], by_score: Scan | None) -> tuple[int, ...]:
    worst_first = sorted(
        accused, key=lambda case: (-(case.evidence.anomaly_index or 0), case.evidence.detector)
    )
    joint = () if by_score is None or by_score.joint_label is None else (by_score.joint_label,)
    return tuple(
        dict.fromkeys((*joint, *(label for case in worst_first for label in case.evidence.target_labels)))
    )
