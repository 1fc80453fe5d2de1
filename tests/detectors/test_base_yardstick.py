from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gate.core.evidence import Status
from gate.core.training_loss import TrainingLoss
from gate.detectors.base_yardstick import BaseYardstick, leads
from gate.detectors.shared.contract import Context
from gate.models.classifier import Classifier
from gate.models.prepare import Base, prepare_base
from tests.detectors.contexts import context

TARGET = 2


def _network(keras: Any, *, corner: float = 0.0, noise: float = 0.0, classes: int = 4, side: int = 8) -> Any:
    """Return a linear network; a corner weight makes one white pixel send everything to a class."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(side * side, classes))
    kernel -= kernel.mean(axis=0)
    kernel += noise * np.random.default_rng(1).normal(size=kernel.shape)
    kernel[0] = 0.0
    kernel[0, min(TARGET, classes - 1)] = corner
    dense = keras.layers.Dense(classes)
    network = keras.Sequential([keras.Input((side, side, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([kernel, np.zeros(classes)])
    return network


def _changed(new: Any, base: Any) -> Context:
    """Return the context of a scan of a network that replaces another."""
    room = context(Classifier(new))
    before = prepare_base(base, TrainingLoss(), room.model, 0)
    return dataclasses.replace(room, model=dataclasses.replace(room.model, base=before))


def test_a_trigger_that_came_with_the_change_is_found(keras: Any) -> None:
    found = BaseYardstick().run(_changed(_network(keras, corner=40.0), _network(keras)))

    assert (Status.MEASURED, (TARGET,)) == (found.status, found.target_labels)
    assert found.anomaly_index is not None
    assert found.anomaly_index > 1.0
    assert found.trigger is not None
    assert TARGET == found.trigger.target_label


@pytest.mark.parametrize("corner", [pytest.param(0.0, marks=pytest.mark.slow), 40.0])
def test_what_both_networks_share_cancels(keras: Any, corner: float) -> None:
    new, base = _network(keras, corner=corner, noise=0.02), _network(keras, corner=corner)

    found = BaseYardstick().run(_changed(new, base))

    assert found.anomaly_index is not None
    assert found.anomaly_index < 0.5
    assert "" == found.remark


def test_the_same_network_has_no_lead(keras: Any) -> None:
    found = BaseYardstick().run(_changed(_network(keras), _network(keras)))

    assert 0.0 == found.anomaly_index


def test_without_a_base_it_says_what_it_needs(keras: Any) -> None:
    room = context(Classifier(_network(keras)))

    found = BaseYardstick().run(room)

    assert Status.SKIPPED is found.status
    assert "--diff" in found.reason
    assert 0.0 == BaseYardstick().passes(room).look


@pytest.mark.parametrize(
    ("other", "lack"),
    [
        ({"classes": 5}, "has 5 classes of pictures of 8 x 8 x 1; this one has 4 classes"),
        (
            {"side": 9},
            "has 4 classes of pictures of 9 x 9 x 1; this one has 4 classes of pictures of 8 x 8 x 1",
        ),
    ],
)
def test_another_kind_of_network_is_no_yardstick(keras: Any, other: dict[str, int], lack: str) -> None:
    room = _changed(_network(keras), _network(keras, **other))

    assert room.base.classifier is None
    assert lack in BaseYardstick().run(room).reason


def test_a_base_that_is_no_classifier_is_no_yardstick(keras: Any) -> None:
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    base = prepare_base(network, TrainingLoss(), context(Classifier(_network(keras))).model, 0)

    assert base.classifier is None
    assert "cannot be compared" in base.lack


def test_by_default_there_is_no_base() -> None:
    assert Base().classifier is None


@given(arrays(np.float64, st.integers(2, 9), elements=st.floats(-2, 2)), st.floats(-2, 2))
def test_a_change_of_all_classes_alike_has_no_lead(gains: np.ndarray[Any, Any], shift: float) -> None:
    np.testing.assert_allclose(leads(gains), leads(gains + shift), atol=1e-9)
    np.testing.assert_allclose(0.0, leads(np.full(len(gains), shift)), atol=1e-12)


@given(arrays(np.float64, st.integers(2, 9), elements=st.floats(-2, 2)), st.permutations(range(9)))
def test_the_order_of_classes_does_not_matter(gains: np.ndarray[Any, Any], order: list[int]) -> None:
    places = [each for each in order if each < len(gains)]

    np.testing.assert_allclose(leads(gains)[places], leads(gains[places]))
