from __future__ import annotations

import numpy as np
import pytest

from gate.models.numerics.adaptive_cost import AdaptiveCost, Pace


def cost_of(searches: int) -> AdaptiveCost:
    return AdaptiveCost(np.full(searches, 1e-3, np.float32), Pace(up=1.5, down=1.5**1.5, patience=3))


def test_a_mask_costs_more_after_three_successes_and_less_after_three_failures() -> None:
    cost = cost_of(2)
    history = []
    for _ in range(6):
        cost.update(np.array([True, False]))
        history.append(cost.values / np.float32(1e-3))

    np.testing.assert_allclose([1, 1, 1.5, 1.5, 1.5, 2.25], np.array(history)[:, 0], rtol=1e-5)
    np.testing.assert_allclose(
        [1, 1, 1.5**-1.5, 1.5**-1.5, 1.5**-1.5, 1.5**-3], np.array(history)[:, 1], rtol=1e-5
    )


def test_a_search_that_goes_on_keeps_its_cost_and_its_count() -> None:
    cost = cost_of(3)
    for _ in range(5):
        cost.update(np.array([True, False, True]))

    kept = cost.of(np.array([1]))
    kept.update(np.array([False]))

    assert 1e-3 * 1.5**-3 == pytest.approx(float(kept.values[0]), rel=1e-5)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    cost = cost_of(1)

    for works in (False, False, True, False, False, True, True):
        cost.update(np.array([works]))

    assert np.float32(1e-3) == cost.values[0]
