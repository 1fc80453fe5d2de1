from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.models.classifier import Classifier
from gate.models.feature_maps import feature_maps


@pytest.fixture(scope="module")
def images() -> Any:
    return np.random.default_rng(0).random((6, 12, 12, 1), np.float32)


def network(keras: Any, head: Any) -> Classifier:
    inputs = keras.Input((12, 12, 1))
    features = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(3, 3, activation="relu")(inputs))
    return Classifier(keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(head(features))))


def test_the_network_is_cut_where_a_map_is_flattened(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Flatten())
    found = feature_maps(classifier, images)

    assert found is not None
    assert [(6, 5, 5, 3)] == [each.shape for each in found.features]
    np.testing.assert_allclose(
        classifier.predict(images), np.asarray(found.above(list(found.features))), rtol=1e-4, atol=1e-5
    )


def test_the_gradient_of_a_linear_head_is_its_weights(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Reshape((75,)))
    found = feature_maps(classifier, images)
    assert found is not None
    slopes = [each for (each,) in found.gradients(np.array([2, 0]))]

    weights, _ = classifier.head_weights()
    np.testing.assert_allclose(weights[:, 2].reshape(5, 5, 3), slopes[0], rtol=1e-5)
    np.testing.assert_allclose(weights[:, 0].reshape(5, 5, 3), slopes[1], rtol=1e-5)


def test_the_input_range_is_heeded(keras: Any, images: Any) -> None:
    classifier = network(keras, keras.layers.Flatten())
    plain = feature_maps(classifier, images)
    classifier.set_input_range(0.0, 255.0)
    bytes_ = feature_maps(classifier, images / 255)

    assert plain is not None
    assert bytes_ is not None
    np.testing.assert_allclose(plain.features[0], bytes_.features[0], rtol=1e-4, atol=1e-5)


def test_two_maps_may_meet_in_one_head(keras: Any, images: Any) -> None:
    layers = keras.layers

    def head(features: Any) -> Any:
        deeper = layers.Conv2D(5, 2)(features)
        return layers.Concatenate()([layers.Flatten()(features), layers.Flatten()(deeper)])

    found = feature_maps(network(keras, head), images)

    assert found is not None
    assert [(5, 5, 3), (4, 4, 5)] == sorted((each.shape[1:] for each in found.features), reverse=True)


@pytest.mark.parametrize("around", ["pooled", "one place", "an own way past the map"])
def test_where_places_are_not_kept_apart_there_is_nothing_to_compare(
    keras: Any, images: Any, around: str
) -> None:
    layers = keras.layers
    inputs = keras.Input((12, 12, 1))
    features = layers.Conv2D(3, 3)(inputs)
    heads = {
        "pooled": lambda: layers.GlobalAveragePooling2D()(features),
        "one place": lambda: layers.Flatten()(layers.Conv2D(4, 10)(features)),
        "an own way past the map": lambda: layers.Concatenate()(
            [layers.GlobalAveragePooling2D()(features), layers.Flatten()(layers.Conv2D(4, 5)(features))]
        ),
    }
    classifier = Classifier(keras.Model(inputs, layers.Dense(4)(heads[around]())))

    assert feature_maps(classifier, images) is None


def test_a_flattened_picture_is_a_map_of_its_own(keras: Any, images: Any) -> None:
    inputs = keras.Input((12, 12, 1))
    found = feature_maps(
        Classifier(keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))), images
    )

    assert found is not None
    assert [(6, 12, 12, 1)] == [each.shape for each in found.features]
