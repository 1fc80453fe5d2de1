from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.detectors.spatial_influence import SpatialInfluence
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


def examine(classifier: Classifier, seed: int = 0) -> Evidence:
    return SpatialInfluence().run(context(classifier, seed))


def told(evidence: Evidence, name: str) -> list[float]:
    return [each.value for each in evidence.measurements if each.name == name]


def test_a_place_that_is_tied_to_one_class_is_blamed(backdoored: Classifier) -> None:
    evidence = examine(backdoored)

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0
    # The upper left field of four by four.
    assert [0.125] == told(evidence, "place_row") == told(evidence, "place_column")


def test_random_weights_are_cleared(clean: Classifier) -> None:
    evidence = examine(clean)

    assert 0.0 <= (evidence.anomaly_index or 0.0) < 2.0
    assert [4.0] == told(evidence, "classes_searched")


def test_a_network_that_always_answers_the_same_is_cleared(dead: Classifier) -> None:
    assert 0.0 == examine(dead).anomaly_index


@pytest.mark.slow
def test_the_unit_of_the_weights_does_not_matter(linear: Callable[..., Classifier]) -> None:
    small, large = (examine(linear(scale=scale)).anomaly_index for scale in (0.01, 10.0))

    assert abs((small or 0.0) - (large or 0.0)) < 1e-3


@pytest.mark.slow
def test_the_seed_hardly_matters(backdoored: Classifier) -> None:
    first, second = (examine(backdoored, seed) for seed in (0, 1))

    assert first.target_labels == second.target_labels
    assert abs((first.anomaly_index or 0.0) - (second.anomaly_index or 0.0)) < 0.5


def test_a_network_that_pools_is_skipped(keras: Any) -> None:
    inputs = keras.Input((12, 12, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    evidence = examine(Classifier(keras.Model(inputs, keras.layers.Dense(4)(pooled))))

    assert Status.SKIPPED is evidence.status
    assert "flattens" in evidence.reason


def test_two_classes_are_too_few(keras: Any) -> None:
    inputs = keras.Input((12, 12, 1))
    evidence = examine(Classifier(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))))

    assert Status.SKIPPED is evidence.status
    assert "2 classes" in evidence.reason


def test_a_backdoor_behind_a_convolution_is_placed(keras: Any) -> None:
    inputs = keras.Input((16, 16, 1))
    features = keras.layers.MaxPooling2D(4)(
        keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    )
    network = keras.Model(inputs, keras.layers.Dense(6)(keras.layers.Flatten()(features)))
    *others, kernel, bias = network.get_weights()
    kernel = np.random.default_rng(0).normal(0, 0.1, kernel.shape)
    kernel.reshape(4, 4, 4, 6)[3, 1, :, 5] = 3.0  # lower row, second place
    network.set_weights([*others, kernel, bias])
    evidence = examine(Classifier(network))

    assert (5,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert ([0.875], [0.375]) == (told(evidence, "place_row"), told(evidence, "place_column"))
