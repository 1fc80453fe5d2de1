from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.evidence import Evidence, Status
from gate.detectors._combination import _SUM_OF_CLEAN, combined, score

SKIPPED = Evidence(detector="d", rule="BD101", status=Status.SKIPPED, reason="no data")


def measured(index: float, *labels: int, detector: str = "neural-cleanse") -> Evidence:
    return Evidence(
        detector=detector, rule="BD101", status=Status.MEASURED, anomaly_index=index, target_labels=labels
    )


def test_detectors_that_point_at_one_class_add_up() -> None:
    half = 0.6 * _SUM_OF_CLEAN

    index, label = combined([measured(half, 3), measured(half, 3), measured(half - 0.1, 5)])

    assert (pytest.approx(2.4), 3) == (index, label)


def test_detectors_that_disagree_do_not() -> None:
    assert (1.5, 3) == combined([measured(1.5, 3), measured(1.4, 5), measured(1.3, 7)])


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


@pytest.mark.parametrize(
    ("indices", "probability"), [([2.0], 0.5), ([1.0], 0.0759), ([3.0], 0.9241), ([0.0, 3.0, 1.0], 0.9241)]
)
def test_the_score_is_one_half_at_the_limit(indices: list[float], probability: float) -> None:
    evidence = [measured(index, label) for label, index in enumerate(indices)]

    assert probability == pytest.approx(score(evidence), abs=1e-4)


@pytest.mark.parametrize("index", [0.0, 99.0])
def test_the_score_is_a_probability_at_both_ends(index: float) -> None:
    assert 0.0 < (score([measured(index)]) or 0.0) <= 1.0


def test_without_a_measurement_there_is_no_score() -> None:
    assert None is score([SKIPPED])
    assert None is score([])
