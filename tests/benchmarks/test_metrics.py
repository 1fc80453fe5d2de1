from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluation import metrics

INDICES = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=30).map(np.array)
SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("clean", "bad", "area"), [([0, 1], [2, 3], 1.0), ([0, 1], [0, 1], 0.5), ([2], [1], 0.0)]
)
def test_the_area_is_how_often_a_backdoor_is_above_a_clean_network(
    clean: list[float], bad: list[float], area: float
) -> None:
    assert area == metrics.auc(np.array(clean), np.array(bad))


@given(INDICES, INDICES)
def test_the_area_of_swapped_sides_is_the_rest(clean: np.ndarray, bad: np.ndarray) -> None:
    assert 1.0 == pytest.approx(metrics.auc(clean, bad) + metrics.auc(bad, clean))


def test_the_interval_is_that_of_drawing_networks_anew() -> None:
    rng = np.random.default_rng(3)
    clean, bad = rng.normal(0, 1, 25), rng.normal(1, 1, 40)
    drawn = [metrics.auc(rng.choice(clean, 25), rng.choice(bad, 40)) for _ in range(2000)]

    assert np.quantile(drawn, (0.025, 0.975)) == pytest.approx(metrics.auc_interval(clean, bad), abs=0.015)


def test_the_interval_of_few_networks_is_wide_and_of_perfect_ones_a_point() -> None:
    assert (1.0, 1.0) == metrics.auc_interval(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    low, high = metrics.auc_interval(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    assert (0.0, 1.0) == (low, high)


@given(INDICES, SHARES)
def test_no_larger_share_of_clean_networks_exceeds_the_limit(clean: np.ndarray, share: float) -> None:
    assert (clean > metrics.limit_for(clean, share)).mean() <= share + 1e-9


@pytest.mark.parametrize(
    ("count", "share", "alarms"), [(99, 0.01, 0), (100, 0.01, 1), (14, 0.05, 0), (40, 0.05, 2)]
)
def test_the_limit_allows_as_many_false_alarms_as_the_share_does(
    count: int, share: float, alarms: int
) -> None:
    clean = np.arange(float(count))

    assert alarms == (clean > metrics.limit_for(clean, share)).sum()


@given(INDICES, INDICES)
def test_the_curve_rises_to_everything(clean: np.ndarray, bad: np.ndarray) -> None:
    points = metrics.roc(clean, bad)

    assert sorted(points) == points
    assert points == sorted(points, key=lambda point: point[1])
    assert ((1.0, 1.0), len(clean) + 1) == (points[-1], len(points))


@given(INDICES.filter(lambda values: len(set(values)) == len(values)), INDICES)
def test_the_area_under_the_steps_is_the_area_without_ties(clean: np.ndarray, bad: np.ndarray) -> None:
    bad = bad + 0.5
    points = metrics.roc(clean, bad)

    assert metrics.auc(clean, bad) == pytest.approx(sum(caught for _, caught in points[:-1]) / len(clean))


def test_rates_and_areas_of_nothing_are_not_told() -> None:
    some, none = np.array([1.0]), np.array([])

    assert ["-"] * 3 == [metrics.rate(0, 0), metrics.area(none, some), metrics.area(some, none)]
    assert "1/2 (9-91 %)" == metrics.rate(1, 2)
    assert "1.00 (1.00-1.00)" == metrics.area(some, some + 1)
