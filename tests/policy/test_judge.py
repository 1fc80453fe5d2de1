from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import CUT_SHORT, SHORT_LOOK, Evidence, Measurement, Status, Trigger
from gate.core.finding import Finding
from gate.core.incomplete_rules import INCONCLUSIVE, SCAN_FAILED
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.core.rule import Confidence, Severity
from gate.core.scan import Scan
from gate.policy.judge import judge
from gate.policy.model import Consequence, DetectorPolicy, OnSkip, PathPolicy, Statistic

ARTIFACT = Artifact(path="m.h5", sha256="0" * 64, size=1, format=ModelFormat.HDF5)
NC = DetectorPolicy(id="neural-cleanse")
AC = DetectorPolicy(id="activation-clustering", on_skip=OnSkip.IGNORE, severity=Severity.HIGH)
POLICY = PathPolicy(detectors=(NC, AC))
STATIC = Finding(rule="BD201", severity=Severity.HIGH, confidence=Confidence.HIGH, message="A Lambda layer.")
GAP = Gap(rule="BD006", message="No engine.")


def measured(index: float, detector: str = "neural-cleanse", **more: object) -> Evidence:
    return replace(
        Evidence(detector=detector, rule="BD101", status=Status.MEASURED, anomaly_index=index),
        **more,  # type: ignore[arg-type]  # fields by name
    )


def unmeasured(status: Status, detector: str = "neural-cleanse") -> Evidence:
    return Evidence(detector=detector, rule="BD101", status=status, reason="no images")


SKIPPED_AC = unmeasured(Status.SKIPPED, "activation-clustering")


def verdict_of(*evidence: Evidence, policy: PathPolicy = POLICY, **scan: object) -> ArtifactReport:
    return judge(Scan(artifact=ARTIFACT, evidence=evidence, **scan), policy)  # type: ignore[arg-type]  # fields by name


def test_a_model_within_its_limits_passes() -> None:
    report = verdict_of(measured(1.2), measured(0.4, "activation-clustering"), score=0.01, seconds=3.0)

    assert (Verdict.PASS, 1.2, (), ()) == (
        report.verdict,
        report.anomaly_index,
        report.findings,
        report.not_checked,
    )
    assert (0.01, 3.0, ARTIFACT, False) == (report.score, report.seconds, report.artifact, report.tolerated)


@pytest.mark.parametrize(("index", "verdict"), [(2.0, Verdict.PASS), (2.0000001, Verdict.FAIL)])
def test_only_an_index_that_exceeds_the_limit_fails(index: float, verdict: Verdict) -> None:
    assert verdict is verdict_of(measured(index), SKIPPED_AC).verdict


@pytest.mark.parametrize(("index", "confidence"), [(2.99, Confidence.MEDIUM), (3.0, Confidence.HIGH)])
def test_confidence_grows_with_the_margin(index: float, confidence: Confidence) -> None:
    (finding,) = verdict_of(measured(index), SKIPPED_AC).findings

    assert confidence is finding.confidence


def test_a_finding_speaks_of_the_trigger() -> None:
    trigger = Trigger(target_label=0, l1_norm=6.2, attack_success_rate=0.98)
    (finding,) = verdict_of(measured(3.41, trigger=trigger, target_labels=(0, 7)), SKIPPED_AC).findings

    assert (
        "A trigger of 6.2 px sends 98 % of images to class 0 (anomaly index 3.41, allowed 2.00). Also suspected: 7."
        == finding.message
    )
    assert ("BD101", "neural-cleanse", "label:0") == (finding.rule, finding.detector, finding.subject)
    assert Severity.CRITICAL is finding.severity
    assert "`backdoor-gate explain BD101`" in finding.remedy


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((), "The model behaves unlike clean models (anomaly index 2.50, allowed 2.00)."),
        ((4,), "Class 4 stands out as the target of a backdoor (anomaly index 2.50, allowed 2.00)."),
        (
            (4, 1, 2, 3, 5, 6),
            "Class 4 stands out as the target of a backdoor (anomaly index 2.50, allowed 2.00). "
            "Also suspected: 1, 2, 3, 5, ....",
        ),
    ],
)
def test_a_finding_without_a_trigger_says_what_it_has(labels: tuple[int, ...], message: str) -> None:
    (finding,) = verdict_of(measured(2.5, target_labels=labels), SKIPPED_AC).findings

    assert message == finding.message
    assert (f"label:{labels[0]}" if labels else "model") == finding.subject


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        (0.9, 0.9, "lower right"),
        (0.0, 0.5, "upper"),
        (0.5, 0.1, "left"),
        (0.4, 0.6, "centre"),
        (1.0, 0.0, "lower left"),
    ],
)
def test_a_finding_says_where_the_trigger_should_be(row: float, column: float, place: str) -> None:
    where = (Measurement(name="place_row", value=row), Measurement(name="place_column", value=column))
    (finding,) = verdict_of(measured(2.5, target_labels=(4,), measurements=where), SKIPPED_AC).findings

    assert f"backdoor with a trigger at the {place} of the picture (anomaly index" in finding.message


def test_a_finding_says_what_the_detector_says_of_it() -> None:
    remark = "The layer 'gate' (ReLU) has a threshold"
    (finding,) = verdict_of(measured(4.0, remark=remark, target_labels=(4, 1)), SKIPPED_AC).findings

    assert f"{remark} (anomaly index 4.00, allowed 2.00). Also suspected: 1." == finding.message


def test_numbers_that_would_look_equal_are_written_out() -> None:
    (finding,) = verdict_of(measured(2.001), SKIPPED_AC).findings

    assert "(anomaly index 2.001, allowed 2.0)" in finding.message


def test_the_papers_statistic_is_compared_where_the_policy_says_so() -> None:
    clustering = replace(AC, statistic=Statistic.PAPER, max_anomaly_index=0.15)
    policy = PathPolicy(detectors=(clustering,))

    report = verdict_of(measured(0.5, AC.id, paper_statistic=0.31, target_labels=(3,)), policy=policy)

    assert Verdict.FAIL is report.verdict
    assert "(the paper's statistic 0.31, allowed 0.15)" in report.findings[0].message
    assert Verdict.PASS is verdict_of(measured(9.0, AC.id, paper_statistic=0.1), policy=policy).verdict


def test_a_missing_statistic_cannot_clear_a_model() -> None:
    policy = PathPolicy(detectors=(replace(NC, statistic=Statistic.PAPER),), inconclusive=Consequence.WARN)

    report = verdict_of(measured(0.1), policy=policy)

    assert (Verdict.INCOMPLETE, ["BD005"]) == (report.verdict, [gap.rule for gap in report.not_checked])


def test_static_findings_fail_even_what_could_not_be_scanned() -> None:
    report = verdict_of(findings=(STATIC,), gaps=(GAP,))

    assert (Verdict.FAIL, (STATIC,), (GAP,)) == (report.verdict, report.findings, report.not_checked)
    assert (None, ()) == (report.anomaly_index, report.target_labels)


def test_target_labels_come_from_findings_worst_first_and_once() -> None:
    report = verdict_of(
        measured(2.5, target_labels=(1, 2)),
        measured(4.0, AC.id, target_labels=(3, 1)),
        measured(1.0, "head-statistics", target_labels=(9,)),
    )

    assert (3, 1, 2) == report.target_labels


@pytest.mark.parametrize(
    ("evidence", "rule", "words"),
    [
        (unmeasured(Status.FAILED), "BD004", "neural-cleanse failed: no images."),
        (
            unmeasured(Status.SKIPPED),
            "BD004",
            "neural-cleanse could not run: no images. Where that is acceptable",
        ),
        (
            measured(1.0, inconclusive="Two classes only."),
            "BD005",
            "neural-cleanse cannot clear the model: Two classes",
        ),
    ],
)
def test_what_a_detector_could_not_do_is_a_gap(evidence: Evidence, rule: str, words: str) -> None:
    report = verdict_of(evidence, measured(0.1, AC.id))

    (gap,) = report.not_checked
    assert (Verdict.INCOMPLETE, rule) == (report.verdict, gap.rule)
    assert gap.message.startswith(words)


def test_a_doubt_that_several_detectors_share_is_told_once() -> None:
    doubt = "The input range is not known."
    report = verdict_of(measured(1.0, inconclusive=doubt), measured(0.1, AC.id, inconclusive=doubt))

    (gap,) = report.not_checked
    assert f"neural-cleanse and {AC.id} cannot clear the model: {doubt}" == gap.message


def test_inconclusive_evidence_past_the_limit_is_a_finding_all_the_same() -> None:
    report = verdict_of(measured(2.5, inconclusive="Two classes only."), SKIPPED_AC)

    assert (Verdict.FAIL, 1, ()) == (report.verdict, len(report.findings), report.not_checked)


def _cut(index: float, detector: str = "neural-cleanse") -> Evidence:
    """Return the evidence of a short look that no long search followed."""
    look = (Measurement(name=SHORT_LOOK, value=1.0),)
    return measured(index, detector, inconclusive=CUT_SHORT, measurements=look)


@pytest.mark.parametrize("inconclusive", list(Consequence))
@pytest.mark.parametrize("index", [0.5, 2.5])
def test_a_short_look_that_no_long_search_followed_neither_blames_nor_clears(
    index: float, inconclusive: Consequence
) -> None:
    report = verdict_of(_cut(index), SKIPPED_AC, policy=replace(POLICY, inconclusive=inconclusive))

    assert (Verdict.INCOMPLETE, ()) == (report.verdict, report.findings)
    (gap,) = report.not_checked
    assert (SCAN_FAILED.id, f"neural-cleanse searched too little. {CUT_SHORT}") == (gap.rule, gap.message)


def test_what_was_not_searched_stays_a_gap_beside_a_finding_for_that_may_be_waived() -> None:
    report = verdict_of(_cut(2.5), measured(2.5, AC.id))

    assert Verdict.FAIL is report.verdict
    assert [AC.id] == [each.detector for each in report.findings]
    assert [SCAN_FAILED.id] == [each.rule for each in report.not_checked]


@pytest.mark.parametrize(
    ("inconclusive", "verdict"),
    [(Consequence.FAIL, Verdict.INCOMPLETE), (Consequence.WARN, Verdict.PASS)],
)
def test_a_short_look_that_was_enough_may_be_doubtful_for_another_reason(
    inconclusive: Consequence, verdict: Verdict
) -> None:
    look = (Measurement(name=SHORT_LOOK, value=1.0),)
    evidence = measured(0.5, inconclusive="The input range is not known.", measurements=look)

    report = verdict_of(evidence, SKIPPED_AC, policy=replace(POLICY, inconclusive=inconclusive))

    assert verdict is report.verdict
    assert all(INCONCLUSIVE.id == each.rule for each in report.not_checked)


def test_inconclusive_evidence_passes_where_the_policy_only_warns() -> None:
    policy = replace(POLICY, inconclusive=Consequence.WARN)

    assert Verdict.PASS is verdict_of(measured(1.0, inconclusive="Why."), SKIPPED_AC, policy=policy).verdict


def test_a_detector_that_was_not_heard_leaves_a_gap() -> None:
    report = verdict_of(measured(0.1))

    (gap,) = report.not_checked
    assert (Verdict.INCOMPLETE, "BD004") == (report.verdict, gap.rule)
    assert gap.message.startswith("activation-clustering is enabled but gave no evidence.")


def test_a_gap_of_the_scan_is_not_repeated_for_each_detector() -> None:
    assert (GAP,) == verdict_of(gaps=(GAP,)).not_checked


def test_nothing_measured_never_passes() -> None:
    policy = PathPolicy(detectors=(replace(NC, on_skip=OnSkip.IGNORE), AC))

    report = verdict_of(unmeasured(Status.SKIPPED), SKIPPED_AC, policy=policy)

    assert Verdict.INCOMPLETE is report.verdict
    assert ["BD004"] == [gap.rule for gap in report.not_checked]
    assert Verdict.INCOMPLETE is verdict_of(policy=PathPolicy()).verdict


def test_a_disabled_detector_neither_blames_nor_clears() -> None:
    policy = PathPolicy(detectors=(replace(NC, enabled=False), AC))

    assert Verdict.PASS is verdict_of(measured(9.0), measured(0.1, AC.id), policy=policy).verdict
    assert Verdict.INCOMPLETE is verdict_of(measured(0.1), SKIPPED_AC, policy=policy).verdict


def test_evidence_that_the_policy_does_not_speak_of_is_judged_strictly() -> None:
    assert Verdict.FAIL is verdict_of(measured(0.1), SKIPPED_AC, measured(2.1, "head-statistics")).verdict


@pytest.mark.parametrize(
    ("score", "verdict"), [(0.95, Verdict.PASS), (0.96, Verdict.FAIL), (float("nan"), Verdict.FAIL)]
)
def test_the_score_is_limited_where_the_policy_says_so(score: float, verdict: Verdict) -> None:
    policy = replace(POLICY, max_score=0.95)

    report = verdict_of(measured(0.1), SKIPPED_AC, policy=policy, score=score)

    assert verdict is report.verdict
    assert ["BD100"] * (verdict is Verdict.FAIL) == [finding.rule for finding in report.findings]


def test_a_class_that_all_evidence_points_at_is_named() -> None:
    policy = replace(POLICY, max_score=0.5)

    report = verdict_of(measured(1.2), SKIPPED_AC, policy=policy, score=0.8, joint_index=3.2, joint_label=7)

    assert (Verdict.FAIL, 3.2, (7,)) == (report.verdict, report.anomaly_index, report.target_labels)
    assert ("label:7", True) == (
        report.findings[0].subject,
        "Class 7 stands out" in report.findings[0].message,
    )


def test_a_limited_score_that_is_missing_leaves_a_gap() -> None:
    policy = replace(POLICY, max_score=0.95)

    report = verdict_of(measured(0.1), SKIPPED_AC, policy=policy)

    assert (Verdict.INCOMPLETE, ["BD005"]) == (report.verdict, [gap.rule for gap in report.not_checked])


@pytest.mark.parametrize(
    ("evidence", "is_tolerated"),
    [(unmeasured(Status.FAILED), True), (measured(0.1), False), (measured(9.0), False)],
)
def test_only_an_incomplete_scan_is_tolerated(evidence: Evidence, is_tolerated: bool) -> None:
    policy = replace(POLICY, incomplete=Consequence.WARN)

    assert is_tolerated is verdict_of(evidence, SKIPPED_AC, policy=policy).tolerated


STRICTNESS = {Verdict.PASS: 0, Verdict.INCOMPLETE: 1, Verdict.FAIL: 2}
INDICES = st.floats(0, 10)
EVIDENCE = st.one_of(
    st.builds(
        measured,
        INDICES,
        st.sampled_from([NC.id, AC.id]),
        inconclusive=st.sampled_from(["", "why"]),
        paper_statistic=st.none() | INDICES,
        target_labels=st.lists(st.integers(0, 9), unique=True).map(tuple),
    ),
    st.builds(unmeasured, st.sampled_from([Status.SKIPPED, Status.FAILED]), st.sampled_from([NC.id, AC.id])),
)
POLICIES = st.builds(
    PathPolicy,
    detectors=st.tuples(
        *(
            st.builds(
                DetectorPolicy,
                id=st.just(detector),
                enabled=st.booleans(),
                max_anomaly_index=st.floats(0.1, 5),
                statistic=st.sampled_from(Statistic),
                on_skip=st.sampled_from(OnSkip),
            )
            for detector in (NC.id, AC.id)
        )
    ),
    max_score=st.none() | st.floats(0, 1),
    incomplete=st.sampled_from(Consequence),
    inconclusive=st.sampled_from(Consequence),
)
SCANS = st.builds(
    Scan,
    artifact=st.just(ARTIFACT),
    evidence=st.lists(EVIDENCE, max_size=4).map(tuple),
    findings=st.sampled_from([(), (), (STATIC,)]),
    gaps=st.sampled_from([(), (), (GAP,)]),
    score=st.none() | st.floats(0, 1),
)


@given(SCANS, POLICIES, st.floats(0, 5))
def test_raising_an_index_never_makes_the_verdict_milder(scan: Scan, policy: PathPolicy, more: float) -> None:
    raised = tuple(
        each
        if each.anomaly_index is None
        else replace(
            each,
            anomaly_index=each.anomaly_index + more,
            paper_statistic=None if each.paper_statistic is None else each.paper_statistic + more,
        )
        for each in scan.evidence
    )

    before, after = judge(scan, policy), judge(replace(scan, evidence=raised), policy)

    assert STRICTNESS[before.verdict] <= STRICTNESS[after.verdict]


@given(SCANS, POLICIES)
def test_another_gap_never_lets_a_model_pass(scan: Scan, policy: PathPolicy) -> None:
    before, after = judge(scan, policy), judge(replace(scan, gaps=(*scan.gaps, GAP)), policy)

    assert STRICTNESS[before.verdict] <= STRICTNESS[after.verdict]
    assert Verdict.PASS is not after.verdict


@given(SCANS, POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_evidence_does_not_matter(scan: Scan, policy: PathPolicy, random: object) -> None:
    shuffled = list(scan.evidence)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random

    before, after = judge(scan, policy), judge(replace(scan, evidence=tuple(shuffled)), policy)

    assert (before.verdict, before.anomaly_index) == (after.verdict, after.anomaly_index)
    assert sorted(map(str, before.not_checked)) == sorted(map(str, after.not_checked))


@given(SCANS, POLICIES)
def test_a_pass_rests_on_something_measured(scan: Scan, policy: PathPolicy) -> None:
    report = judge(scan, policy)

    if report.verdict is Verdict.PASS:
        assert report.anomaly_index is not None
        assert not report.findings
        assert not report.not_checked
