from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.detectors.inversion.patch_scan import PatchScan, Plan, scan_patches
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool

ALL = np.arange(4)
PLAN = Plan(side=3, stride=2, steps=6, images=4, judges=16)
PoolOf = Callable[[Classifier], Pool]


def look(classifier: Classifier, pool: Pool, labels: np.ndarray = ALL, seed: int = 0) -> PatchScan:
    return scan_patches(classifier, pool, labels, PLAN, seed, lambda done, total: None)


def test_the_planted_class_is_served_best_where_its_trigger_is(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    found = look(backdoored, pool_of(backdoored))

    (spot,) = found.spots(2, 1)
    assert (0, 0) == (spot.top, spot.left)
    assert [2] == found.most_suspicious(1)
    assert spot.pattern[0, 0, 0] > 0.9


def test_what_is_found_for_a_class_does_not_depend_on_the_others(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    pool = pool_of(backdoored)

    one, all_of_them = look(backdoored, pool, np.array([2])), look(backdoored, pool)

    np.testing.assert_allclose(one.margins[:, 0], all_of_them.margins[:, 2], atol=1e-4)
    np.testing.assert_allclose(one.patterns[:, 0], all_of_them.patterns[:, 2], atol=1e-6)


def test_classes_that_do_not_fit_in_memory_together_are_tried_in_turn(
    backdoored: Classifier, pool_of: PoolOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, told = pool_of(backdoored), []
    together = look(backdoored, pool)
    monkeypatch.setattr("gate.detectors.inversion.search._CHUNK_PIXELS", 1)

    apart = scan_patches(backdoored, pool, ALL, PLAN, 0, lambda done, total: told.append((done, total)))

    np.testing.assert_allclose(together.margins, apart.margins, atol=1e-4)
    assert [(i + 1, 4 * 16) for i in range(4 * 16)] == told


def test_a_network_that_knows_one_class_only_can_be_looked_at(dead: Classifier, pool_of: PoolOf) -> None:
    found = look(dead, pool_of(dead))

    assert np.isfinite(found.margins).all()


def test_the_best_place_comes_first_then_the_one_where_the_class_leads_the_others() -> None:
    margins = np.array([[3.0, 2.9], [2.0, -5.0], [2.5, 2.5]])
    corners = np.array([[0, 0], [0, 4], [4, 0]], np.int32)
    found = PatchScan(np.array([5, 9]), corners, margins, np.zeros((3, 2, 2, 2, 1), np.float32))

    assert [(0, 0), (0, 4), (4, 0)] == [(spot.top, spot.left) for spot in found.spots(5, 4)]
    assert [(0, 0), (4, 0)] == [(spot.top, spot.left) for spot in found.spots(9, 2)]


@given(st.integers(4, 40), st.integers(4, 40), st.integers(1, 4), st.integers(1, 4))
def test_windows_cover_the_picture_and_keep_within_it(
    height: int, width: int, side: int, stride: int
) -> None:
    plan = Plan(side=side, stride=min(stride, side), steps=1, images=1, judges=1)
    seen = np.zeros((height, width), bool)

    for top, left in plan.corners(height, width):
        assert 0 <= top <= height - side
        assert 0 <= left <= width - side
        seen[top : top + side, left : left + side] = True

    assert seen.all()
