from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest

from gate.core.effort import Effort
from gate.core.evidence import CUT_SHORT
from gate.detectors import create
from gate.detectors.shared.contract import Context, Searching
from gate.models.classifier import Classifier
from gate.worker.room import ALL, NONE, Room, until
from gate.worker.searching import Search, searched
from tests.detectors.contexts import context

PATCH, WEIGHTS = create("universal-patch", {}), create("head-weights", {})


@pytest.fixture(scope="module")
def suspicious(keras: Any) -> Context:
    """A linear network of four classes in which one pixel sends everything to class 2."""
    dense = keras.layers.Dense(4)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    kernel = np.random.default_rng(0).normal(size=(64, 4))
    kernel -= kernel.mean(axis=0)
    kernel[0] = (0.0, 0.0, 40.0, 0.0)
    dense.set_weights([kernel, np.zeros(4)])
    return context(Classifier(network))


def _room(passes: float) -> Room:
    """Return room for so many passes."""
    return Room(ends=time.monotonic() + 1e6, rate=1.001 * passes / 1e6)


def test_room_is_counted_in_passes(suspicious: Context) -> None:
    assert isinstance(PATCH, Searching)
    own = PATCH.passes(suspicious)

    assert _room(own.look).has_for_look(PATCH, suspicious)
    assert not _room(own.look / 2).has_for_look(PATCH, suspicious)
    assert _room(own.longer).has_for_long(PATCH, suspicious)
    assert not _room(own.longer / 2).has_for_long(PATCH, suspicious)
    assert ALL.has_for_long(PATCH, suspicious)
    assert not NONE.has_for_look(PATCH, suspicious)
    assert NONE.has_for_look(WEIGHTS, suspicious)


def test_where_there_is_time_for_short_looks_only_a_suspicion_is_told(suspicious: Context) -> None:
    detectors = {"universal-patch": PATCH, "head-weights": WEIGHTS}
    short = dataclasses.replace(suspicious, effort=Effort.SHORT)

    planned, weights = searched(Search(detectors=detectors, context=short))
    assert isinstance(PATCH, Searching)
    room = _room(PATCH.passes(suspicious).look)
    limited, _ = searched(Search(detectors=detectors, context=suspicious, room=room))

    assert planned == limited
    assert planned.is_cut
    assert CUT_SHORT == planned.inconclusive
    assert "head-weights" == weights.detector


def test_a_long_search_follows_a_suspicious_look(suspicious: Context) -> None:
    (found,) = searched(Search(detectors={"universal-patch": PATCH}, context=suspicious))

    assert not found.is_by_short_look
    assert (2,) == found.target_labels


def test_without_time_for_a_look_nothing_is_said(suspicious: Context) -> None:
    detectors = {"universal-patch": PATCH, "head-weights": WEIGHTS}

    (only,) = searched(
        Search(detectors=detectors, context=suspicious, room=until(1.0, time.monotonic() - 1e6, 1e9))
    )

    assert "head-weights" == only.detector
