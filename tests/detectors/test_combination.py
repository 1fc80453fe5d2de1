from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.cli.registry import known_detectors
from gate.core.evidence import Evidence, Measurement, Status
from gate.detectors.scoring.combination import MOST, class_measurements, combined, fitted, judged, lead
from gate.policy.loader import builtin_directory, load

SKIPPED = Evidence(detector="d", rule="BD101", status=Status.SKIPPED, reason="no data")


TABLE = {"lead_of_clean": 2.0, "lead_of_few": 2.5}


def measured(index: float, *labels: int, detector: str = "neural-cleanse") -> Evidence:
    return Evidence(
        detector=detector,
        rule="BD101",
        status=Status.MEASURED,
        anomaly_index=index,
        target_labels=labels,
        measurements=class_measurements(np.array(labels, np.int64), np.full(len(labels), index)),
    )


def score(evidence: list[Evidence]) -> float | None:
    joint = judged(evidence)
    return None if joint is None else joint.score


def test_detectors_that_point_at_one_class_add_up() -> None:
    third = 0.38 * TABLE["lead_of_clean"]  # 0.76

    index, label = combined([*(measured(third, 3) for _ in range(3)), measured(third, 5)], TABLE)

    assert (pytest.approx(2 * (3 - 1) * 0.38), 3) == (index, label)
    assert index > third


def test_a_class_that_leads_nowhere_adds_up_too() -> None:
    tenth = TABLE["lead_of_clean"] / 10
    numbers = class_measurements(np.array([3, 5]), np.array([1.0, 1.9]) * tenth)
    told = [replace(measured(2 * tenth, leader), measurements=numbers) for leader in range(5)]

    assert (pytest.approx(2 * (5 * 1.9 - 5) / 10), 5) == combined(told, TABLE)


def test_no_detector_adds_more_than_its_share() -> None:
    loud, two = [measured(9.0, 3)], [measured(9.0, 3), measured(9.0, 3, detector="maximum-margin")]

    assert [(MOST, 3), (2 * MOST, 3)] == [lead(told) for told in (loud, two)]
    assert (9.0, 3) == combined(loud, TABLE)


def test_detectors_that_disagree_do_not() -> None:
    assert (1.5, 3) == combined([measured(1.5, 3), measured(1.4, 5), measured(1.3, 7)], TABLE)


def test_a_permutation_counts_by_itself() -> None:
    assert (5.0, None) == combined([measured(5.0), measured(1.0, 3)])


def test_the_training_set_counts_by_itself() -> None:
    assert (1.9, 3) == combined([measured(1.9, 3), measured(1.9, 3, detector="activation-clustering")])


def test_what_was_skipped_adds_nothing() -> None:
    assert combined([measured(1.2, 3)]) == combined([measured(1.2, 3), SKIPPED])


@given(st.lists(st.tuples(st.floats(0, 99), st.integers(0, 4)), min_size=1, max_size=6))
def test_all_together_say_no_less_than_the_loudest(told: list[tuple[float, int]]) -> None:
    index, _ = combined(measured(value, label) for value, label in told)

    assert index >= max(value for value, _ in told)


def test_the_score_is_one_half_at_the_limit_and_rises_with_the_largest_index() -> None:
    assert pytest.approx(0.5) == score([measured(2.0, 3)])
    low, high = (
        score([measured(0.0, 0), measured(index, 1), measured(1.0, 2)]) or 0.0 for index in (1.5, 3.0)
    )
    assert low < 0.5 < high


@pytest.mark.parametrize("index", [0.0, 99.0])
def test_the_score_is_a_probability_at_both_ends(index: float) -> None:
    assert 0.0 < (score([measured(index)]) or 0.0) <= 1.0


def test_without_a_measurement_there_is_no_score() -> None:
    assert None is score([SKIPPED])
    assert None is score([])


def test_the_lead_is_what_the_first_class_has_over_the_second() -> None:
    told = [measured(1.0, 3), measured(0.25, 5)]

    assert (0.75, 3) == lead(told)
    assert (0.0, None) == lead([])


def test_the_shipped_numbers_say_what_they_are_of() -> None:
    assert {"version", "networks", "lead_of_clean", "lead_of_few", "steepness"} == set(fitted())
    assert fitted()["lead_of_few"] > fitted()["lead_of_clean"] > 0


@pytest.mark.parametrize(("classes", "expected"), [(2, 1.6), (4, 1.6), (5, 2.0), (43, 2.0)])
def test_among_few_classes_a_leader_must_lead_by_more(classes: int, expected: float) -> None:
    told = measured(0.25, 3)
    counted = Measurement(name="classes_searched", value=float(classes))
    half = [replace(told, measurements=(*told.measurements, counted)) for _ in range(8)]

    assert (pytest.approx(expected), 3) == combined(half, TABLE)


@pytest.mark.parametrize(("policy", "index"), [("default", 2.0), ("strict", 1.5), ("research", 3.0)])
def test_a_built_in_policy_holds_the_score_to_the_index_that_it_allows(
    policy: str, index: float, tmp_path: Path
) -> None:
    limit = load(policy, known_detectors(), builtin_directory(), tmp_path).settings.max_score

    assert pytest.approx(1 / (1 + math.exp(-fitted()["steepness"] * (index - 2.0))), abs=0.01) == limit
