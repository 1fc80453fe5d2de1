from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.detectors.head_weights import HeadWeights, soft_maximum
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


def examine(classifier: Classifier) -> Evidence:
    return HeadWeights().run(context(classifier))


def test_a_weight_written_by_hand_is_blamed(backdoored: Classifier) -> None:
    evidence = examine(backdoored)

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert 4 == sum(each.name == "tie" for each in evidence.measurements)


def test_random_weights_are_cleared(clean: Classifier) -> None:
    assert (examine(clean).anomaly_index or 0.0) < 2.0


def test_a_network_without_weights_worth_the_name_is_cleared(dead: Classifier) -> None:
    assert 0.0 == pytest.approx(examine(dead).anomaly_index)


def test_the_unit_of_the_weights_does_not_matter(linear: Callable[..., Classifier]) -> None:
    small, large = (examine(linear(scale=scale)).anomaly_index for scale in (1e-9, 10.0))

    assert small == pytest.approx(large, rel=1e-3)


def test_one_unit_with_a_weight_written_by_hand_is_blamed_on_the_side_that_it_speaks_for(keras: Any) -> None:
    found = []
    for heavy in (0.0, 30.0, -30.0):
        dense = keras.layers.Dense(1, "sigmoid")
        network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
        kernel = np.random.default_rng(0).normal(size=(64, 1))
        kernel[0] += heavy
        dense.set_weights([kernel, np.zeros(1)])
        found.append(examine(Classifier(network)))

    assert [False, True, True] == [(each.anomaly_index or 0.0) > 2.0 for each in found]
    assert [(1,), (0,)] == [each.target_labels for each in found[1:]]


def test_a_head_without_a_column_per_class_is_skipped(keras: Any) -> None:
    inputs = keras.Input((8, 8, 1))
    pair = keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    four = keras.layers.Softmax()(keras.layers.Concatenate()([pair, pair]))
    classifier = Classifier(keras.Model(inputs, four))

    evidence = examine(classifier)

    assert Status.SKIPPED is evidence.status
    assert "2 columns for 4 classes" in evidence.reason


def test_the_soft_maximum_counts_positive_weights_only() -> None:
    kernel = np.array([[-9.0, 2.0, 1.0], [3.0, 0.0, 1.0]])

    np.testing.assert_allclose([3.0, 2.0, 2**0.25], soft_maximum(kernel))
