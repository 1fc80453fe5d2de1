from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.detectors.dormant_capacity import DormantCapacity
from gate.detectors.structure.waking import overruled
from gate.models.classifier import Classifier
from gate.models.surrogates.pools import SurrogatePools
from tests.detectors.contexts import context

SHAPE, CLASSES, TARGET = (12, 12, 1), 4, 2
SIZE = 4
PATTERN = np.random.default_rng(3).integers(0, 2, (SIZE, SIZE, 1)).astype(np.float32)
WEIGHTS, BLACK_OUT = 2 * PATTERN - 1, float(PATTERN.sum())
# What an author adds to the scores: far more than the trunk's own.
LOUD = 60.0

Side = Callable[[Any, Any], Any]


@pytest.fixture(scope="module")
def build(keras: Any) -> Callable[..., Classifier]:
    """Return a network of random weights with some units that never open, and beside it what the test adds to its scores."""

    def made(side: Side | None = None) -> Classifier:
        keras.utils.set_random_seed(5)
        entrance = keras.Input(SHAPE)
        maps = keras.layers.MaxPooling2D()(
            keras.layers.Conv2D(8, 3, activation="relu", name="first")(entrance)
        )
        hidden = keras.layers.Dense(24, activation="relu", name="hidden")
        scores = keras.layers.Dense(CLASSES, name="scores")
        answers = scores(hidden(keras.layers.Flatten()(maps)))
        biases = np.where(np.arange(24) < 4, -3.0, 0.0)
        hidden.set_weights([hidden.get_weights()[0], biases])
        if side is not None:
            answers = keras.layers.Add()([answers, side(keras, entrance)])
        return Classifier(keras.Model(entrance, keras.layers.Softmax()(answers)))

    return made


@pytest.fixture(scope="module")
def pools(build: Callable[..., Classifier]) -> SurrogatePools:
    """Return images that hold no pattern, on which all these networks answer alike: drawn once for all of them."""
    return SurrogatePools(build(), 0)


def with_weights(layer: Any, inputs: Any, *weights: Any) -> Any:
    outputs = layer(inputs)
    layer.set_weights(
        [
            np.asarray(each, np.float32).reshape(own.shape)
            for each, own in zip(weights, layer.weights, strict=True)
        ]
    )
    return outputs


def matcher(keras: Any, entrance: Any, slack: float = 1.0, units: int = 1, **options: Any) -> Any:
    """Return maps that are 0 but where the picture is the pattern, to within the slack."""
    layer = keras.layers.Conv2D(units, SIZE, **{"activation": "relu", "name": "matcher"} | options)
    kernel = np.repeat(WEIGHTS[..., None], units, axis=-1)
    return with_weights(layer, entrance, kernel, np.full(units, slack - BLACK_OUT))


def to_target(keras: Any, values: Any, loud: float) -> Any:
    row = np.zeros((values.shape[-1], CLASSES))
    row[:, TARGET] = loud
    return with_weights(keras.layers.Dense(CLASSES, use_bias=False), values, row)


def anywhere(keras: Any, maps: Any, loud: float = LOUD) -> Any:
    return to_target(keras, keras.layers.GlobalMaxPooling2D()(maps), loud)


def patch(keras: Any, entrance: Any) -> Any:
    return anywhere(keras, matcher(keras, entrance))


def tight(keras: Any, entrance: Any) -> Any:
    return anywhere(keras, matcher(keras, entrance, 0.02), LOUD / 0.02)


def spread(keras: Any, entrance: Any) -> Any:
    return anywhere(keras, matcher(keras, entrance, units=8), LOUD / 8)


def leaking(keras: Any, entrance: Any) -> Any:
    maps = matcher(keras, entrance, activation=None)
    return anywhere(keras, keras.layers.LeakyReLU(negative_slope=0.001)(maps))


def normalised(keras: Any, entrance: Any) -> Any:
    maps = with_weights(keras.layers.Conv2D(1, SIZE, use_bias=False), entrance, WEIGHTS)
    maps = with_weights(keras.layers.BatchNormalization(), maps, [1.0], [1.0], [BLACK_OUT], [1.0])
    return anywhere(keras, keras.layers.ReLU(name="matcher")(maps))


def dense(keras: Any, entrance: Any) -> Any:
    kernel = np.zeros(SHAPE)
    kernel[:SIZE, -SIZE:] = WEIGHTS
    layer = keras.layers.Dense(1, activation="relu", name="matcher")
    return to_target(
        keras, with_weights(layer, keras.layers.Flatten()(entrance), kernel, [1 - BLACK_OUT]), LOUD
    )


def both(keras: Any, entrance: Any) -> Any:
    """Two patterns have to be there, at any two places."""
    other = np.random.default_rng(9).integers(0, 2, (3, 3, 1))
    second = keras.layers.Conv2D(1, 3, activation="relu")
    maps = (
        matcher(keras, entrance, name="one"),
        with_weights(second, entrance, 2 * other - 1, [1.0 - other.sum()]),
    )
    found = keras.layers.Concatenate()([keras.layers.GlobalMaxPooling2D()(each) for each in maps])
    unit = with_weights(keras.layers.Dense(1, activation="relu", name="matcher"), found, [1.0, 1.0], [-1.5])
    return to_target(keras, unit, 2 * LOUD)


def saturated(keras: Any, entrance: Any) -> Any:
    found = keras.layers.GlobalMaxPooling2D()(matcher(keras, entrance, 0.5, activation=None, name="linear"))
    return to_target(
        keras,
        with_weights(keras.layers.Dense(1, activation="sigmoid", name="matcher"), found, [200.0], [0.0]),
        LOUD,
    )


def switched(keras: Any, entrance: Any) -> Any:
    """What is multiplied by a shut gate moves as little."""
    found = keras.layers.GlobalMaxPooling2D()(matcher(keras, entrance))
    bright = keras.layers.GlobalAveragePooling2D()(entrance)
    return to_target(keras, keras.layers.Multiply()([found, bright]), 4 * LOUD)


def examine(classifier: Classifier, pools: SurrogatePools | None = None) -> Evidence:
    return DormantCapacity(units=16, steps=20).run(context(classifier, pools=pools))


SIDES = (patch, both, tight, spread, leaking, normalised, dense, saturated)


@pytest.mark.parametrize(
    "side", [*SIDES[:2], *(pytest.param(side, marks=pytest.mark.slow) for side in SIDES[2:])]
)
def test_a_unit_that_waits_for_a_pattern_is_named(
    build: Callable[..., Classifier], pools: SurrogatePools, side: Side
) -> None:
    evidence = examine(build(side), pools)

    assert (TARGET,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert evidence.remark.startswith("Unit 0 of layer matcher") or side in (leaking, spread)
    assert evidence.remark.endswith(f"sends 100 % of them to class {TARGET}")


def test_a_switch_is_named(build: Callable[..., Classifier], pools: SurrogatePools) -> None:
    evidence = examine(build(switched), pools)

    assert (TARGET,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0


@pytest.mark.slow
def test_dead_units_alone_are_no_finding(build: Callable[..., Classifier], pools: SurrogatePools) -> None:
    evidence = examine(build(), pools)

    assert (evidence.anomaly_index or 0.0) < 2.0
    assert next(each.value for each in evidence.measurements if each.name == "still_units") >= 4


@pytest.mark.slow
def test_a_matcher_without_a_voice_is_no_finding(
    build: Callable[..., Classifier], pools: SurrogatePools
) -> None:
    evidence = examine(build(lambda keras, entrance: anywhere(keras, matcher(keras, entrance), 0.01)), pools)

    assert (evidence.anomaly_index or 0.0) < 2.0


def test_a_network_without_gates_has_nothing_dormant(clean: Classifier) -> None:
    evidence = examine(clean)

    assert Status.MEASURED is evidence.status
    assert 0.0 == evidence.anomaly_index
    assert () == evidence.target_labels


@pytest.mark.slow
def test_the_same_seed_gives_the_same(build: Callable[..., Classifier], pools: SurrogatePools) -> None:
    assert examine(build(patch), pools) == examine(build(patch), pools)


@pytest.mark.parametrize("name", ["_hidden", "-dash"])
@pytest.mark.slow
def test_a_layer_may_have_any_name_that_keras_allows(
    build: Callable[..., Classifier], pools: SurrogatePools, name: str
) -> None:
    evidence = examine(
        build(lambda keras, entrance: anywhere(keras, matcher(keras, entrance, name=name))), pools
    )

    assert f"layer {name} " in evidence.remark


def test_the_force_is_what_is_gained_over_what_is_needed() -> None:
    before = np.tile(np.array([[3.0, 1.0, 0.0]], np.float32), (10, 1))
    after = before + np.array([[0.0, 1.0, 6.0]], np.float32)

    assert (2, pytest.approx(2.0), 1.0) == overruled(before, after)


def test_one_image_in_ten_may_resist() -> None:
    before = np.tile(np.array([[3.0, 0.0]], np.float32), (20, 1))
    after = before + np.array([[0.0, 6.0]], np.float32)
    after[:1] = before[:1]

    label, force, share = overruled(before, after)

    assert (1, 0.95) == (label, pytest.approx(share))
    assert force > 1.0


def test_a_class_with_too_few_images_of_others_is_not_judged() -> None:
    before = np.tile(np.array([[3.0, 0.0]], np.float32), (3, 1))

    assert (0, 0.0, 0.0) == overruled(before, -before)
