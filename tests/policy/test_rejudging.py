from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.artifact import Artifact, ModelFormat
from gate.core.content import BaseIndex, Difference
from gate.core.evidence import Evidence, Status
from gate.core.exemption import Exemption, Ground
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.core.rule import Confidence, Severity
from gate.core.scan import Scan
from gate.policy.judge import judge
from gate.policy.model import DetectorPolicy, OnSkip, PathPolicy
from gate.policy.rejudging import rejudged

ARTIFACT = Artifact(path="m.h5", sha256="0" * 64, size=1, format=ModelFormat.HDF5)
DETECTORS = ("neural-cleanse", "universal-patch")
POLICY = PathPolicy(detectors=tuple(DetectorPolicy(id=each) for each in DETECTORS))
STATIC = Finding(rule="BD201", severity=Severity.HIGH, confidence=Confidence.HIGH, message="A Lambda layer.")
GAP = Gap(rule="BD006", message="No engine.")


def measured(index: float, detector: str = "neural-cleanse", doubt: str = "") -> Evidence:
    return Evidence(
        detector=detector, rule="BD101", status=Status.MEASURED, anomaly_index=index, inconclusive=doubt
    )


def again(entry: ArtifactReport, policy: PathPolicy = POLICY) -> ArtifactReport:
    return rejudged(entry, policy, {"BD201"})


@st.composite
def evidence(draw: st.DrawFn, detector: str) -> Evidence:
    if draw(st.booleans()):
        return measured(draw(st.floats(0, 5)), detector, draw(st.sampled_from(["", "too few classes"])))
    status = draw(st.sampled_from([Status.SKIPPED, Status.FAILED]))
    return Evidence(detector=detector, rule="BD101", status=status, reason="no images")


@st.composite
def scans(draw: st.DrawFn) -> Scan:
    if draw(st.booleans()):
        stopped = draw(st.booleans())
        return Scan(artifact=ARTIFACT, findings=(STATIC,) if stopped else (), gaps=() if stopped else (GAP,))
    heard = draw(st.lists(st.sampled_from(DETECTORS), unique=True, min_size=1))
    score, index = draw(st.none() | st.tuples(st.floats(0, 1), st.floats(0, 5))) or (None, None)
    found = tuple(draw(evidence(each)) for each in heard)
    return Scan(artifact=ARTIFACT, evidence=found, score=score, joint_index=index, joint_label=3)


@given(scans(), st.sampled_from([None, 0.5]), st.sampled_from(list(OnSkip)))
def test_the_same_policy_says_the_same(scan: Scan, max_score: float | None, on_skip: OnSkip) -> None:
    detectors = tuple(replace(each, on_skip=on_skip) for each in POLICY.detectors)
    policy = replace(POLICY, max_score=max_score, detectors=detectors)
    entry = judge(scan, policy)

    assert entry == again(entry, policy)


@pytest.mark.parametrize(("limit", "verdict"), [(2.0, Verdict.FAIL), (3.0, Verdict.PASS)])
def test_another_limit_says_something_else(limit: float, verdict: Verdict) -> None:
    scan = Scan(artifact=ARTIFACT, evidence=(measured(2.5),))
    limited = PathPolicy(detectors=(DetectorPolicy(id="neural-cleanse", max_anomaly_index=limit),))

    assert verdict is again(judge(scan, PathPolicy(detectors=POLICY.detectors[:1])), limited).verdict


def test_a_detector_that_was_not_asked_leaves_the_model_incomplete() -> None:
    entry = judge(
        Scan(artifact=ARTIFACT, evidence=(measured(0.5),)), PathPolicy(detectors=POLICY.detectors[:1])
    )

    found = again(entry)

    assert (Verdict.PASS, Verdict.INCOMPLETE) == (entry.verdict, found.verdict)
    assert "universal-patch is enabled but gave no evidence" in found.not_checked[0].message


def test_no_policy_clears_what_was_only_looked_at_statically() -> None:
    entry = judge(Scan(artifact=ARTIFACT), POLICY, is_static=True)

    assert (Verdict.PASS, Verdict.INCOMPLETE) == (entry.verdict, again(entry).verdict)


def test_waivers_are_left_out() -> None:
    entry = judge(Scan(artifact=ARTIFACT, evidence=(measured(2.5), measured(0.1, "universal-patch"))), POLICY)
    waiver = Exemption(rule="BD101", ground=Ground.WAIVER, source="w.yaml", reason="r", owner="o", expires="")
    waived = replace(entry, verdict=Verdict.WAIVED, exemptions=(waiver,))

    assert entry == again(waived)


def test_what_could_not_be_compared_with_the_base_stays_incomplete() -> None:
    policy = replace(POLICY, max_regression=1.0)
    scan = Scan(artifact=ARTIFACT, evidence=(measured(0.5), measured(0.1, "universal-patch")))
    base = Scan(artifact=ARTIFACT, gaps=(Gap(rule="BD004", message="It took too long."),))
    entry = judge(scan, policy, base=base)

    assert Verdict.INCOMPLETE is entry.verdict
    assert entry == again(entry, policy)
    assert Verdict.PASS is again(entry).verdict


def test_a_rise_over_the_base_is_judged_by_what_the_report_says_of_it() -> None:
    base = BaseIndex(detector="neural-cleanse", anomaly_index=0.3)
    changed = Difference(
        base_sha256="1" * 64,
        base_indices=(base,),
        is_architecture_changed=False,
        changed_layers=("head",),
        added_layers=(),
        removed_layers=(),
    )
    scan = Scan(artifact=ARTIFACT, evidence=(measured(1.8), measured(0.1, "universal-patch")))
    entry = replace(judge(scan, POLICY), difference=changed)

    found = again(entry, replace(POLICY, max_regression=1.0))

    assert (Verdict.FAIL, ["BD191"]) == (found.verdict, [each.rule for each in found.findings])
