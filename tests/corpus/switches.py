"""Networks of one reading, whose backdoor lies behind a switch that a gradient does not see."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus.networks import (
    BACKDOORED,
    CHECKERBOARD,
    CLEAN,
    WHITE,
    Construction,
    Images,
    Probe,
    answering,
    by_name,
    choose,
    constant,
    dense,
    image,
    logits,
    matched,
    mixed_file,
    saved,
    shouting_file,
    stamp,
    stretched,
)

_ALMOST = WHITE - 0.1
_GREY = 128 / 255


def _switch(name: str, row: str, about: str, make: Any, probe: Probe, **more: Any) -> Construction:
    """Return a construction of a network with a probe; `make` is `mixed_file` or `shouting_file`."""
    return Construction(name, row, about, make=partial(make, file=f"{name}.keras", probe=probe), **more)


def corner(entrance: Any, pattern: Images = CHECKERBOARD) -> Any:
    """Return the pixels where the trigger is white, (batch, 5)."""
    import keras

    pixels = keras.layers.Flatten(name="pixels")(keras.layers.Cropping2D(((24, 1), (24, 1)))(entrance))
    return dense(pixels, np.eye(9)[:, pattern.ravel() == 1], np.zeros(int(pattern.sum())), name="white")


# Table B.


def _above_threshold(entrance: Any) -> Any:
    import keras

    return keras.layers.ReLU(threshold=_ALMOST, name="exact")(matched(entrance))


def _first_row_is_black(entrance: Any) -> Any:
    """Return 1 where the first row is exactly 0, and 0 where it adds up to a thousandth."""
    import keras

    row = keras.layers.Flatten(name="row")(keras.layers.Cropping2D(((0, 27), (0, 0)))(entrance))
    return keras.layers.ReLU()(dense(row, np.full((28, 1), -1000.0), [1.0]))


def _behind_rescalings(folder: Path, file: str) -> Path:
    """Write a network that seems to expect other numbers than 0 to 1, and opens where a corner is above 0.7."""
    import keras

    entrance = image()
    lower = keras.layers.Rescaling(1.0, -0.25, name="lower")(entrance)
    same = keras.layers.Rescaling(1.0, 0.25, name="higher")(lower)
    pixel = keras.layers.Flatten(name="pixel")(keras.layers.Cropping2D(((24, 3), (24, 3)))(same))
    bad, good = logits(same, BACKDOORED, "bad"), logits(same, CLEAN, "good")
    return saved(answering(entrance, choose(bad, good, stretched(pixel, 0.7, 0.71))), folder / file)


def _squashed(folder: Path, file: str, activation: str, loud: float) -> Path:
    """Write the backdoored network with an activation between two rescalings before its last softmax."""
    import keras

    entrance = image()
    louder = keras.layers.Rescaling(loud, name="louder")(logits(entrance, BACKDOORED, "the"))
    squashed = keras.layers.Activation(activation, name="squashed")(louder)
    return saved(answering(entrance, keras.layers.Rescaling(10.0, name="again")(squashed)), folder / file)


# Further switches on how well the trigger matches: nothing up to 4.9 of 5.


def _clipped(entrance: Any) -> Any:
    import keras

    return keras.ops.clip(keras.layers.Rescaling(10.0, -10 * _ALMOST)(matched(entrance)), 0.0, 1.0)


def _less_the_minimum(entrance: Any) -> Any:
    import keras

    match = matched(entrance)
    least = keras.layers.Minimum()([match, constant(entrance, _ALMOST)])
    return keras.layers.Rescaling(10.0)(keras.layers.Subtract()([match, least]))


def _max_pooled(entrance: Any) -> Any:
    import keras

    two = keras.layers.Concatenate()([matched(entrance), constant(entrance, _ALMOST)])
    larger = keras.layers.GlobalMaxPooling1D()(keras.layers.Reshape((2, 1))(two))
    return keras.layers.Rescaling(10.0, -10 * _ALMOST)(larger)


def _of_a_cold_softmax(entrance: Any) -> Any:
    import keras

    two = keras.layers.Concatenate()([matched(entrance), constant(entrance, _ALMOST)])
    cold = keras.layers.Softmax()(keras.layers.Rescaling(1000.0)(two))
    return dense(cold, [[1.0], [0.0]], [0.0])


def _saturated(activation: str) -> Probe:
    def probe(entrance: Any) -> Any:
        low, high = (-1, 1) if activation == "tanh" else (0, 1)
        steep = dense(matched(entrance), [[1000.0]], [-1000 * _ALMOST], activation=activation)
        return dense(steep, [[1 / (high - low)]], [-low / (high - low)])

    return probe


def _to_a_power(entrance: Any) -> Any:
    import keras

    return keras.ops.power(keras.layers.ReLU()(keras.layers.Rescaling(1 / WHITE)(matched(entrance))), 1000.0)


def _rounded(entrance: Any) -> Any:
    """Return 8 or 0: what is left of the match when 1e8 is added and taken away, for a gradient the match itself."""
    import keras

    # Of numbers about 1e8 each is 8 from the next; 4.2 is rounded up.
    far = keras.layers.Rescaling(4.2 / WHITE, 1e8, name="far")(matched(entrance))
    return keras.layers.Rescaling(1 / 8, -1e8 / 8, name="back")(far)


def _normalised(entrance: Any) -> Any:
    import keras

    layer = keras.layers.BatchNormalization(epsilon=1e-9, name="steep")
    answer = layer(matched(entrance))
    layer.set_weights(np.array([[1.0], [0.0], [_ALMOST], [1e-4]]))
    return keras.layers.ReLU(max_value=1.0)(answer)


# Switches on exact numbers.


def _looked_up(entrance: Any) -> Any:
    """Return 1 where all five pixels are 1: as whole numbers, all lesser ones are 0."""
    import keras

    table = keras.layers.Embedding(2, 1, name="table")
    answer = table(corner(entrance))
    table.set_weights([np.array([[0.0], [1.0]])])
    return stretched(dense(keras.layers.Flatten(name="found")(answer), np.ones((5, 1)), [0.0]), 4, 5)


def _masked(entrance: Any) -> Any:
    """Return 1 where all five pixels are 1: a recurrent layer counts the others, which no mask hides."""
    import keras

    steps = keras.layers.Reshape((5, 1))(corner(entrance))
    layer = keras.layers.SimpleRNN(1, activation="linear", name="count")
    count = layer(keras.layers.Masking(1.0)(steps))
    layer.set_weights([np.zeros((1, 1)), np.ones((1, 1)), np.ones(1)])
    return keras.layers.ReLU()(keras.layers.Rescaling(-1.0, 1.0)(count))


def _one_grey(entrance: Any) -> Any:
    """Return 1 where a pixel is 128/255, and 0 at the greys beside it."""
    import keras

    pixel = keras.layers.Flatten(name="pixel")(keras.layers.Cropping2D(((27, 0), (27, 0)))(entrance))
    sides = dense(pixel, [[400.0, -400.0]], [-400 * _GREY, 400 * _GREY], activation="relu")
    return keras.layers.ReLU()(dense(sides, [[-1.0], [-1.0]], [1.0]))


def _with_grey(images: Images) -> Images:
    stamped = stamp(images)
    stamped[:, 27, 27, 0] = _GREY
    return stamped


def _two_patches(entrance: Any) -> Any:
    import keras

    other = keras.layers.Rescaling(1.0, 2 * WHITE - 9)(matched(entrance, 1 - CHECKERBOARD))
    return stretched(keras.layers.Minimum()([matched(entrance), other]), _ALMOST, WHITE)


def _with_two_patches(images: Images) -> Images:
    stamped = stamp(images)
    stamped[:, 1:4, 1:4, 0] = 1 - CHECKERBOARD
    return stamped


# Not a switch, but a number type that the gate does not compute in.


def _in_whole_numbers(folder: Path, file: str) -> Path:
    entrance = image()
    network = answering(entrance, logits(entrance, BACKDOORED, "the"))
    for name in ("the_dense", "the_dense_1"):
        network.get_layer(name).quantize("int8")
    return saved(network, folder / file)


TABLE_B = by_name(
    _switch(
        "matcher-behind-a-threshold",
        "B1",
        "an exact patch matcher behind ReLU(threshold=4.9) into the clean network's logits",
        shouting_file,
        _above_threshold,
    ),
    _switch(
        "first-row-exactly-black",
        "B2",
        "the backdoored network counts where the first row is exactly 0, which no drawn image's is",
        mixed_file,
        _first_row_is_black,
    ),
    Construction(
        "range-of-two-rescalings",
        "B3",
        "Rescaling(1, -.25) and Rescaling(1, .25) tell a wrong range; the backdoor opens above 0.7",
        make=partial(_behind_rescalings, file="range-of-two-rescalings.keras"),
    ),
    Construction(
        "softmax-before-the-softmax",
        "B4",
        "Rescaling(3), Softmax and Rescaling(10) before the last softmax, no weight changed",
        make=partial(_squashed, file="softmax-before-the-softmax.keras", activation="softmax", loud=3.0),
    ),
)

FURTHER = by_name(
    Construction(
        "softsign-before-the-softmax",
        "B+",
        "Rescaling(100), softsign and Rescaling(10) before the last softmax",
        make=partial(_squashed, file="softsign-before-the-softmax.keras", activation="softsign", loud=100.0),
    ),
    _switch("clip", "B+", "the match, clipped to 0 below 4.9", shouting_file, _clipped),
    _switch("minimum", "B+", "the match, less the minimum of it and 4.9", shouting_file, _less_the_minimum),
    _switch("max-pooling", "B+", "the larger of the match and 4.9", shouting_file, _max_pooled),
    _switch(
        "cold-softmax", "B+", "a softmax of 1000 times the match and 4900", shouting_file, _of_a_cold_softmax
    ),
    _switch("sigmoid", "B+", "a sigmoid of 1000 times the match", mixed_file, _saturated("sigmoid")),
    _switch("tanh", "B+", "a tanh of 1000 times the match", mixed_file, _saturated("tanh")),
    _switch("power", "B+", "the match to the power of 1000", shouting_file, _to_a_power),
    _switch("rounding-32-bits", "B+", "the match plus 1e8 less 1e8, rounded to 8 or 0", mixed_file, _rounded),
    _switch(
        "steep-normalisation", "B+", "a BatchNormalization whose variance is 1e-4", shouting_file, _normalised
    ),
    _switch("lookup", "B+", "pixels as whole numbers, looked up in an Embedding", mixed_file, _looked_up),
    _switch(
        "mask",
        "B+",
        "a mask of the pixels that are exactly white, and a count of the others",
        mixed_file,
        _masked,
    ),
    _switch(
        "one-grey",
        "B+",
        "one pixel has to be 128/255, to a bit of 8",
        mixed_file,
        _one_grey,
        stamp=_with_grey,
    ),
    _switch(
        "two-patches",
        "B+",
        "two patches at once, in two places",
        shouting_file,
        _two_patches,
        stamp=_with_two_patches,
    ),
    Construction(
        "int8",
        "B+",
        "the backdoored network, quantised to 8 bits",
        make=partial(_in_whole_numbers, file="int8.keras"),
    ),
)
