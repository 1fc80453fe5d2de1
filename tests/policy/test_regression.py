"""A model beside the one that it replaces: what may rise, and what a missing comparison means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.core.rule import Confidence, Severity
from gate.core.scan import Scan
from gate.policy.judge import judge
from gate.policy.model import Consequence, DetectorPolicy, OnSkip, PathPolicy

ARTIFACT = Artifact(path="m.h5", sha256="0" * 64, size=1, format=ModelFormat.HDF5)
NC = DetectorPolicy(id="neural-cleanse")
AC = DetectorPolicy(id="activation-clustering", on_skip=OnSkip.IGNORE)
POLICY = PathPolicy(detectors=(NC, AC), max_regression=1.0)
NOTHING_HERE = Finding(
    rule="BD201", severity=Severity.HIGH, confidence=Confidence.HIGH, message="A Lambda layer."
)


def scan(cleanse: float | None, clustering: float | None = None, **changes: object) -> Scan:
    evidence = (
        Evidence(detector=detector, rule="BD101", status=Status.SKIPPED, reason="no images")
        if index is None
        else Evidence(detector=detector, rule="BD101", status=Status.MEASURED, anomaly_index=index)
        for detector, index in ((NC.id, cleanse), (AC.id, clustering))
    )
    return replace(Scan(artifact=ARTIFACT, evidence=tuple(evidence)), **changes)  # type: ignore[arg-type]  # by name


def verdict_of(after: Scan, before: Scan | None, policy: PathPolicy = POLICY) -> ArtifactReport:
    return judge(after, policy, base=before)


@pytest.mark.parametrize(("after", "verdict"), [(1.5, Verdict.PASS), (1.51, Verdict.FAIL)])
def test_an_index_that_rose_too_far_fails_below_its_limit(after: float, verdict: Verdict) -> None:
    assert verdict is verdict_of(scan(after), scan(0.5)).verdict


def test_the_finding_names_detector_rise_and_both_limits() -> None:
    (finding,) = verdict_of(scan(1.75), scan(0.25)).findings

    assert ("BD191", NC.id, "detector:neural-cleanse") == (finding.rule, finding.detector, finding.subject)
    assert "The anomaly index of neural-cleanse rose by 1.50 to 1.75 (allowed 1.00)" in finding.message
    assert "`backdoor-gate explain BD191`" in finding.remedy


def test_each_detector_is_compared_with_itself() -> None:
    report = verdict_of(scan(1.9, 1.9), scan(1.5, 0.1))

    assert [AC.id] == [finding.detector for finding in report.findings]


def test_what_is_past_its_limit_is_said_once() -> None:
    assert ["BD101"] == [finding.rule for finding in verdict_of(scan(3.0), scan(0.5)).findings]


@pytest.mark.parametrize("before", [None, scan(None, 0.1), scan(None, findings=(NOTHING_HERE,))])
def test_what_has_nothing_to_be_compared_with_is_judged_by_its_limits(before: Scan | None) -> None:
    assert Verdict.PASS is verdict_of(scan(1.9), before).verdict


def test_without_the_setting_nothing_is_compared() -> None:
    policy = replace(POLICY, max_regression=None)
    unknown = scan(None, gaps=(Gap(rule="BD004", message="Out of time."),))

    assert Verdict.PASS is verdict_of(scan(1.9), scan(0.0), policy).verdict
    assert Verdict.PASS is verdict_of(scan(1.9), unknown, policy).verdict


@pytest.mark.parametrize(
    ("rule", "told"),
    [("BD002", "git lfs fetch origin BASE"), ("BD004", "Out of time."), ("BD006", "Out of time.")],
)
def test_a_base_that_another_run_could_scan_leaves_a_gap(rule: str, told: str) -> None:
    before = Scan(artifact=ARTIFACT, gaps=(Gap(rule=rule, message="Out of time."),))

    report = verdict_of(scan(0.1), before)

    (gap,) = report.not_checked
    assert (Verdict.INCOMPLETE, "BD005") == (report.verdict, gap.rule)
    assert "`max_regression`" in gap.message
    assert told in gap.message


def test_a_detector_that_failed_on_the_base_leaves_a_gap() -> None:
    failed = Evidence(detector=NC.id, rule="BD101", status=Status.FAILED, reason="out of memory")

    (gap,) = verdict_of(scan(0.1), Scan(artifact=ARTIFACT, evidence=(failed,))).not_checked

    assert gap.message.endswith("neural-cleanse failed: out of memory.")


def test_a_base_that_is_no_model_can_be_replaced() -> None:
    before = Scan(artifact=ARTIFACT, gaps=(Gap(rule="BD001", message="Truncated."),))

    assert Verdict.PASS is verdict_of(scan(0.1), before).verdict


def test_a_missing_comparison_is_let_through_where_the_policy_says_so() -> None:
    before = Scan(artifact=ARTIFACT, gaps=(Gap(rule="BD004", message="Out of time."),))

    assert (
        Verdict.PASS is verdict_of(scan(0.1), before, replace(POLICY, inconclusive=Consequence.WARN)).verdict
    )


def test_a_scan_with_gaps_of_its_own_says_only_those() -> None:
    gap = Gap(rule="BD006", message="No engine.")
    stopped = Scan(artifact=ARTIFACT, gaps=(gap,))

    assert (gap,) == verdict_of(stopped, stopped).not_checked


INDICES = st.none() | st.floats(0, 5)
SCANS = st.builds(scan, INDICES, INDICES)


@given(SCANS, SCANS)
def test_a_base_never_makes_the_verdict_milder(after: Scan, before: Scan) -> None:
    strictness = (Verdict.PASS, Verdict.INCOMPLETE, Verdict.FAIL)
    alone, beside = verdict_of(after, None), verdict_of(after, before)

    assert strictness.index(alone.verdict) <= strictness.index(beside.verdict)
    assert set(alone.findings) <= set(beside.findings)
