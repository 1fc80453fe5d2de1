from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.detectors.structure.gates import Walk

SHAPE = (8, 8, 1)


def through(network: Any, images: Any, edit: Any = None, leak: float = 0.0) -> tuple[Walk, Any]:
    """Return the walk through a network, and what it gives for the images."""
    walk = Walk(edit or (lambda number, before, after: after), leak)
    return walk, np.asarray(walk.through(network, images))


@pytest.fixture
def images() -> Any:
    return np.random.default_rng(1).uniform(size=(5, *SHAPE)).astype(np.float32)


def chain(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(3, 3, activation="relu", name="own"),
            layers.BatchNormalization(),
            layers.LeakyReLU(name="layer"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(4),
        ]
    )


def nested(keras: Any) -> Any:
    entrance = keras.Input(SHAPE)
    return keras.Model(entrance, keras.layers.Dense(2, name="outer")(chain(keras)(entrance)))


def branches(keras: Any) -> Any:
    entrance = keras.Input(SHAPE)
    values = keras.layers.Conv2D(3, 3)(entrance)
    gate = keras.layers.Conv2D(3, 3, activation="sigmoid", name="opens")(entrance)
    product = keras.layers.Multiply(name="product")([values, gate])
    bounded = keras.ops.relu(product)
    return keras.Model(entrance, keras.layers.Dense(4)(keras.layers.GlobalMaxPooling2D()(bounded)))


@pytest.mark.parametrize("make", [chain, nested, branches])
def test_a_walk_gives_what_the_network_gives(keras: Any, images: Any, make: Callable[[Any], Any]) -> None:
    network = make(keras)

    np.testing.assert_allclose(
        network(images, training=False), through(network, images)[1], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("make", "gates"),
    [(chain, ["own", "layer"]), (nested, ["own", "layer"]), (branches, ["opens", "product", "relu"])],
)
def test_every_nonlinearity_is_a_gate(
    keras: Any, images: Any, make: Callable[[Any], Any], gates: list[str]
) -> None:
    keras.backend.clear_session()
    walk, _ = through(make(keras), images)

    assert gates == [gate.layer for gate in walk.gates]
    assert {3} == {gate.channels for gate in walk.gates}


def test_what_stands_at_a_gate_can_be_replaced(keras: Any, images: Any) -> None:
    network = chain(keras)

    _, shut = through(network, images, lambda number, before, after: 0.0 * after)

    np.testing.assert_allclose(shut, np.broadcast_to(shut[:1], shut.shape))
    assert np.ptp(through(network, images)[1], axis=0).min() > 0


def test_a_shut_gate_has_a_gradient(keras: Any, images: Any) -> None:
    import tensorflow as tf

    layer = keras.layers.Dense(1, activation="relu")
    network = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), layer])
    layer.set_weights([np.ones((64, 1)), np.array([-100.0])])
    with tf.GradientTape() as tape:
        tape.watch(inputs := tf.constant(images))
        heights = Walk(lambda number, before, after: after).through(network, inputs)

    assert 0.0 == float(tf.reduce_max(tf.abs(heights)))
    assert float(tf.reduce_min(tape.gradient(heights, inputs))) > 0


def test_a_leak_lets_through_what_comes_in(keras: Any, images: Any) -> None:
    seen = []
    through(
        chain(keras), images, lambda number, before, after: seen.append((before, after)) or after, leak=1.0
    )

    for before, after in seen:
        np.testing.assert_allclose(before, after, rtol=1e-6)


def test_multiplications_are_counted(keras: Any, images: Any) -> None:
    walk, _ = through(chain(keras), images)

    assert 9 * 3 * 36 + 108 * 4 == walk.multiplications


def test_the_layers_keep_their_activations(keras: Any, images: Any) -> None:
    network = chain(keras)
    through(network, images)

    assert network.get_layer("own").activation is keras.activations.relu
