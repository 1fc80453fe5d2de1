from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.detectors.scoring.outliers import (
    clean_limit,
    location_lead,
    log_gap,
    paper_index,
    shrunk_spread,
    spread_below,
    wilson_interval,
)

NORMS = st.lists(st.floats(0.1, 1e4), min_size=2, max_size=40).map(np.array)
# Classes for which no trigger was found have an infinite norm.
CENSORED = st.lists(st.floats(0.1, 1e4) | st.just(math.inf), min_size=1, max_size=40).map(
    lambda others: np.array([1.0, *others])
)


@given(CENSORED, st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(norms: np.ndarray, random: object) -> None:
    order = np.random.default_rng(random.randrange(999)).permutation(len(norms))  # type: ignore[attr-defined]
    leader = int(np.flatnonzero(order == 0)[0])

    assert paper_index(norms) == paper_index(norms[order])
    assert log_gap(norms, 0) == log_gap(norms[order], leader)
    assert spread_below(norms, 0) == spread_below(norms[order], leader)


@given(CENSORED, st.floats(0.01, 100))
def test_the_size_of_the_pictures_does_not_matter(norms: np.ndarray, factor: float) -> None:
    assert log_gap(norms, 0) == pytest.approx(log_gap(factor * norms, 0), abs=1e-9)
    assert spread_below(norms, 0) == pytest.approx(spread_below(factor * norms, 0), abs=1e-9)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=30), st.sampled_from([0.25, 2.0, 1024.0]))
def test_the_paper_s_index_is_free_of_units(norms: list[int], factor: float) -> None:
    # Powers of two scale without rounding; the index divides by a spread that may be next to nothing.
    assert paper_index(np.array(norms, float)) == paper_index(factor * np.array(norms, float))


@given(NORMS, st.floats(1.1, 100))
def test_a_smaller_leader_has_a_wider_gap(norms: np.ndarray, factor: float) -> None:
    smaller = norms.copy()
    smaller[0] /= factor

    assert log_gap(norms, 0) + math.log(factor) == pytest.approx(log_gap(smaller, 0))


def test_the_gap_is_that_to_the_median_of_the_others() -> None:
    assert math.log(8) == pytest.approx(log_gap(np.array([8.0, 1.0, 4.0, 16.0]), 1))
    assert -math.log(2) == pytest.approx(log_gap(np.array([2.0, 1.0]), 0))


def test_a_class_without_a_trigger_counts_as_larger_than_all() -> None:
    found = log_gap(np.array([1.0, 5.0, 7.0, 1e6, 1e6]), 0)

    assert found < log_gap(np.array([1.0, 7.0, 1e6, 1e6]), 0)
    assert log_gap(np.array([1.0, 5.0, 7.0, 7.0, math.inf]), 0) == log_gap(
        np.array([1.0, 5.0, 7.0, 7.0, 9.0]), 0
    )


@pytest.mark.parametrize(
    ("others", "stand_in"), [([3.0, math.inf, math.inf], 3.0), ([2.0, 3.0] + [math.inf] * 4, 3.0)]
)
def test_without_a_median_the_largest_norm_found_stands_in(others: list[float], stand_in: float) -> None:
    assert math.log(stand_in) == pytest.approx(log_gap(np.array([1.0, *others]), 0))


def test_a_leader_without_others_has_no_gap() -> None:
    assert 0.0 == log_gap(np.array([7.0, math.inf, math.inf]), 0)


@given(st.lists(st.floats(0.1, 1e4), min_size=2, max_size=2).map(np.array))
def test_the_paper_s_index_cannot_accuse_one_of_two_classes(norms: np.ndarray) -> None:
    assert 0.0 <= paper_index(norms) < 0.68


def test_the_paper_s_index_counts_deviations_below_the_median() -> None:
    assert (50.0 - 4.0) / (1.4826 * 2.0) == pytest.approx(
        paper_index(np.array([50.0, 52.0, 48.0, 51.0, 4.0]))
    )


@pytest.mark.parametrize(
    "norms", [[3.0, 3.0, 3.0], [math.inf, math.inf], [5.0, math.inf], [1.0, 3.0, 3.0, 3.0]]
)
def test_the_paper_s_index_is_zero_without_a_deviation(norms: list[float]) -> None:
    assert 0.0 == paper_index(np.array(norms))


def test_the_spread_is_read_off_the_smaller_half() -> None:
    logs = np.array([-5.0, 1.0, 2.0, 3.0, 50.0, 60.0])

    assert 1.4826 * 1.5 == pytest.approx(spread_below(np.exp(logs), 0))


@pytest.mark.parametrize(
    "norms", [[1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, math.inf, math.inf, math.inf, math.inf]]
)
def test_too_few_classes_have_no_spread(norms: list[float]) -> None:
    assert 0.0 == spread_below(np.array(norms), 0)


@given(st.floats(0, 5), st.floats(0, 100), st.floats(0.01, 5), st.floats(0.1, 100))
def test_a_shrunk_spread_lies_between_measurement_and_prior(
    measured: float, weight: float, prior: float, prior_weight: float
) -> None:
    low, high = sorted((measured, prior))

    assert low - 1e-9 <= shrunk_spread(measured, weight, prior, prior_weight) <= high + 1e-9


def test_without_classes_the_prior_stands() -> None:
    assert 0.6 == pytest.approx(shrunk_spread(3.0, 0.0, 0.6, 20.0))


def test_more_classes_need_a_smaller_smallest_one() -> None:
    limits = [clean_limit(k) for k in range(2, 200)]

    assert limits == sorted(limits)
    assert 2.5749 == pytest.approx(clean_limit(2), abs=1e-4)
    assert 3.0889 == pytest.approx(clean_limit(10), abs=1e-4)


@pytest.mark.parametrize("classes", [2, 10, 43])
def test_one_clean_model_in_a_hundred_lies_beyond_the_limit(classes: int) -> None:
    smallest = np.random.default_rng(0).normal(size=(40_000, classes)).min(axis=1)

    assert 0.01 == pytest.approx((smallest < -clean_limit(classes)).mean(), abs=0.002)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0000),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_wilson_s(successes: int, trials: int, low: float, high: float) -> None:
    assert (low, high) == pytest.approx(wilson_interval(successes, trials), abs=5e-5)


@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_within_bounds(counts: tuple[int, int]) -> None:
    low, high = wilson_interval(*counts)

    assert 0.0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1.0


@given(st.integers(0, 99), st.integers(3, 12), st.sampled_from([0.25, 64.0]))
def test_a_place_s_lead_is_free_of_units_and_of_what_places_and_classes_are_worth(
    seed: int, classes: int, factor: float
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(16, classes))
    table[7, classes - 1] += 20.0
    lead, position = location_lead(table)

    assert (lead, position) == location_lead(factor * table)
    louder = table + rng.normal(size=(16, 1)) + rng.normal(size=classes)
    assert classes - 1 == position == location_lead(louder)[1]


def test_a_place_that_serves_two_classes_gives_each_a_smaller_lead() -> None:
    table = np.zeros((9, 10))
    table[4, 3] = 5.0
    alone, _ = location_lead(table)
    table[2, 6] = 5.0

    assert 0.0 < location_lead(table)[0] < alone


def test_where_places_matter_next_to_nothing_chance_does_not_lead() -> None:
    table = np.full((9, 10), -8.0)
    table[4, 3] = -7.9

    assert location_lead(table)[0] < 0.1


@pytest.mark.parametrize("table", [np.zeros((4, 3)), np.full((4, 2), 7.0), np.arange(10.0).reshape(1, 10)])
def test_without_anything_between_places_and_classes_nobody_leads(table: np.ndarray) -> None:
    assert 0.0 == pytest.approx(location_lead(table)[0])
