from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gate.detectors.training_set.two_means import BELL, best_cut, principal


def test_two_groups_are_cut_between_them() -> None:
    values = np.array([0.0, 1.0, 0.5, 9.0, 10.0, 9.5])

    cut = best_cut(values)

    assert 1.0 < cut.threshold < 9.0
    assert cut.separation > BELL + 2


def test_one_bell_shaped_cloud_has_the_separation_of_its_halves() -> None:
    values = np.random.default_rng(0).normal(size=20_000)

    assert BELL == pytest.approx(best_cut(values).separation, abs=0.02)


@pytest.mark.parametrize("count", [2, 3, 60])
def test_equal_values_are_not_cut(count: int) -> None:
    cut = best_cut(np.full(count, 3.0))

    assert (3.0, BELL) == (cut.threshold, cut.separation)


def test_a_stray_value_is_no_group() -> None:
    values = np.append(np.random.default_rng(0).normal(size=199), 1e3)

    assert best_cut(values).threshold < 10


@given(
    arrays(np.float64, st.integers(2, 40), elements=st.integers(-50, 50), unique=True),
    st.sampled_from([0.25, 2.0, 8.0]),
    st.integers(-9, 9),
)
def test_neither_scale_nor_origin_matters(values: np.ndarray, scale: float, shift: int) -> None:
    cut, moved = best_cut(values), best_cut(scale * values + shift)

    assert cut.separation == pytest.approx(moved.separation, abs=1e-6)


def test_the_widest_direction_comes_first() -> None:
    points = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 2.0]

    coordinates, directions, variances = principal(points, 2)

    assert ((500, 2), (3, 2)) == (coordinates.shape, directions.shape)
    np.testing.assert_allclose([25, 4], variances, rtol=0.15)
    assert directions[1, 0] > 0.99
    np.testing.assert_allclose(coordinates.var(axis=0), variances)


def test_points_that_are_all_equal_have_one_direction_of_no_width() -> None:
    coordinates, directions, variances = principal(np.ones((5, 3)), 10)

    assert ((5, 1), (3, 1)) == (coordinates.shape, directions.shape)
    assert 0.0 == variances[0] == np.abs(coordinates).max()
