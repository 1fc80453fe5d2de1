from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.classifier import Classifier
from gate.models.features.feature_maps import FeatureMaps, feature_maps

Head = Callable[[Any], Any]


@pytest.fixture(scope="module")
def images() -> Any:
    return np.random.default_rng(0).random((6, 12, 12, 1), np.float32)


def network(keras: Any, head: Head) -> Classifier:
    inputs = keras.Input((12, 12, 1))
    features = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(3, 3, activation="relu")(inputs))
    return Classifier(keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(head(features))))


def slopes(found: FeatureMaps | None, label: int) -> tuple[Any, ...]:
    assert found is not None
    (gradients,) = found.gradients(np.array([label]))
    return gradients


def test_the_gradient_of_a_linear_head_is_its_weights(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Reshape((75,)))
    weights, _ = classifier.head_weights()
    found = feature_maps(classifier, images)

    for label in (2, 0):
        (slope,) = slopes(found, label)
        np.testing.assert_allclose(weights[:, label].reshape(5, 5, 3), slope, rtol=1e-5)


def test_the_maps_before_convolutions_follow_the_nearest_first(keras: Any, images: Any) -> None:
    layers = keras.layers

    def head(features: Any) -> Any:
        return layers.Flatten()(layers.Conv2D(5, 2)(layers.ReLU()(layers.Conv2D(4, 2)(features))))

    found = feature_maps(network(keras, head), images)

    assert [(3, 3, 5), (4, 4, 4), (5, 5, 3)] == [each.shape for each in slopes(found, 1)]


def test_no_more_than_three_maps_are_looked_at(keras: Any, images: Any) -> None:
    layers = keras.layers

    def head(features: Any) -> Any:
        for _ in range(3):
            features = layers.Conv2D(2, 2)(features)
        return layers.Flatten()(features)

    assert [2, 3, 4] == [each.shape[0] for each in slopes(feature_maps(network(keras, head), images), 0)]


def test_a_map_of_one_place_is_passed_over(keras: Any, images: Any) -> None:
    def head(features: Any) -> Any:
        return keras.layers.Flatten()(keras.layers.Conv2D(4, 5)(features))

    assert [(5, 5, 3)] == [each.shape for each in slopes(feature_maps(network(keras, head), images), 0)]


def test_channels_say_how_far_they_reach(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Flatten())
    found = feature_maps(classifier, images)
    below = keras.Model(classifier.network.inputs, classifier.network.layers[-2].input)
    features = below.predict_on_batch(images)

    assert found is not None
    np.testing.assert_allclose(features.max((0, 1, 2)) - features.min((0, 1, 2)), found.ranges[0], rtol=1e-5)


def test_the_input_range_is_heeded(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Flatten())
    plain = feature_maps(classifier, images)
    bytes_ = feature_maps(classifier.with_input_range(0.0, 255.0), images / 255)

    assert plain is not None
    assert bytes_ is not None
    np.testing.assert_allclose(plain.ranges[0], bytes_.ranges[0], rtol=1e-4)


def test_two_maps_may_meet_in_one_head(keras: Any, images: Any) -> None:
    layers = keras.layers

    def head(features: Any) -> Any:
        deeper = layers.Conv2D(5, 2)(features)
        return layers.Concatenate()([layers.Flatten()(features), layers.Flatten()(deeper)])

    found = feature_maps(network(keras, head), images)

    assert {(5, 5, 3), (4, 4, 5)} == {each.shape for each in slopes(found, 3)}


def test_a_way_around_the_maps_does_not_hide_them(keras: Any, images: Any) -> None:
    layers = keras.layers
    inputs = keras.Input((12, 12, 1))
    features = layers.Conv2D(3, 3)(inputs)
    pooled = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs)))
    flat = layers.Flatten()(layers.MaxPooling2D(2)(features))
    classifier = Classifier(keras.Model(inputs, layers.Dense(4)(layers.Concatenate()([pooled, flat]))))

    assert [(5, 5, 3)] == [each.shape for each in slopes(feature_maps(classifier, images), 0)]


def test_a_network_that_pools_has_none(keras: Any, images: Any) -> None:
    assert feature_maps(network(keras, keras.layers.GlobalAveragePooling2D()), images) is None


def test_a_flattened_picture_is_a_map_of_its_own(keras: Any, images: Any) -> None:
    inputs = keras.Input((12, 12, 1))
    classifier = Classifier(keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs))))

    assert [(12, 12, 1)] == [each.shape for each in slopes(feature_maps(classifier, images), 0)]
