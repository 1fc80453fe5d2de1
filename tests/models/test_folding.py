from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.classifier import Classifier
from gate.models.graph.folding import folded

SHAPE = (6, 6, 3)
Layers = Callable[[Any, Any], Any]


def conv(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(3, 3, strides=2, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def depthwise(keras: Any, x: Any) -> Any:
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    return keras.layers.BatchNormalization(scale=False)(x)


def dense(keras: Any, x: Any) -> Any:
    return keras.layers.BatchNormalization(center=False)(keras.layers.Dense(5)(x))


def nested(keras: Any, x: Any) -> Any:
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, conv(keras, inputs))(x)


def activated(keras: Any, x: Any) -> Any:
    return keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3, activation="relu")(x))


def first(keras: Any, x: Any) -> Any:
    return keras.layers.Conv2D(3, 3)(keras.layers.BatchNormalization()(x))


def seen_by_two(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(3, 3)(x)
    return keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])


def called_twice(keras: Any, x: Any) -> Any:
    kernel = keras.layers.Conv2D(3, 3)
    other = keras.layers.Add()([kernel(x), keras.layers.BatchNormalization()(kernel(x))])
    return keras.layers.BatchNormalization()(other)


def network(keras: Any, layers: Layers, seed: int = 0) -> Any:
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(layers(keras, inputs))
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(features))
    draw = np.random.default_rng(seed)
    model.set_weights([draw.uniform(0.2, 1.5, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).random((5, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("layers", [conv, depthwise, dense, nested])
def test_a_folded_network_answers_as_before_in_fewer_operations(
    keras: Any, layers: Layers, images: np.ndarray
) -> None:
    model = network(keras, layers)
    function = folded(model)

    assert function is not None
    assert np.asarray(model(images, training=False)) == pytest.approx(np.asarray(function(images)), rel=1e-4)


@pytest.mark.parametrize("layers", [activated, first, seen_by_two, called_twice])
def test_what_stands_between_or_is_used_twice_is_not_folded(keras: Any, layers: Layers) -> None:
    assert folded(network(keras, layers)) is None


def test_searches_run_on_the_folded_network_and_answers_do_not(keras: Any, images: np.ndarray) -> None:
    classifier = Classifier(network(keras, conv))
    other = classifier.with_folding(images)

    assert other is not classifier
    assert (classifier.predict(images) == other.predict(images)).all()
    assert classifier.predict(images) == pytest.approx(other.logits(images).numpy(), rel=1e-4, abs=1e-4)


def test_where_rounding_would_make_another_network_nothing_is_folded(keras: Any, images: np.ndarray) -> None:
    model = network(keras, depthwise)
    _, kernel, normalisation, *_ = model.layers
    # What is added and taken away again swallows the answer of the kernel, unless both are folded to nothing.
    kernel.set_weights([kernel.get_weights()[0], np.full(6, 1e8)])
    beta, _, variance = normalisation.get_weights()
    normalisation.set_weights([beta, np.full(6, 1e8), variance])
    classifier = Classifier(model)

    assert folded(classifier.network) is not None
    assert classifier.with_folding(images) is classifier
