from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gate.detectors.inversion.local_patch import LocalPatch, Spot
from gate.detectors.inversion.search import Settings, invert
from gate.detectors.inversion.triggers import Restart
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool

PoolOf = Callable[[Classifier], Pool]
GREY = np.full((3, 3, 1), 0.5, np.float32)


def form(top: int, left: int) -> LocalPatch:
    return LocalPatch({label: (Spot(top, left, GREY),) for label in range(4)})


@pytest.mark.usefixtures("keras")  # which says how TensorFlow may compute, before it does
def test_it_begins_as_the_open_window() -> None:
    mask, pattern = form(2, 4).start(np.random.default_rng(0), (8, 8, 1), Restart(1, 0))
    shown = np.array(form(2, 4).trigger((mask, pattern))[0])

    np.testing.assert_allclose(0.95, shown[2:5, 4:7], rtol=1e-3)
    shown[2:5, 4:7] = 0.0
    assert 0.0 == shown.sum()


def test_each_restart_has_its_own_place_and_more_restarts_begin_again() -> None:
    local = LocalPatch({0: (Spot(0, 0, GREY), Spot(5, 5, GREY))})

    tops = [
        int(local.start(np.random.default_rng(0), (8, 8, 1), Restart(0, restart))[0].argmax()) // 8
        for restart in range(3)
    ]

    assert [0, 5, 0] == tops


def test_it_shrinks_to_the_planted_pixel_and_keeps_within_its_window(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    settings = Settings(restarts=1, steps=60, images=16)

    found = invert(backdoored, pool_of(backdoored), form(0, 0), np.arange(4), settings, 0, lambda *told: None)

    assert 2 == found.norms.argmin()
    assert found.norms[2] < 2
    outside = found.triggers[0].copy()
    outside[:, :3, :3] = 0.0
    assert 0.0 == outside.sum()


def test_what_no_window_holds_counts_as_large_as_a_window() -> None:
    assert [1.0, 5.0, 9.0] == form(0, 0).tuning.comparable(np.array([0.3, 5.0, np.inf])).tolist()
