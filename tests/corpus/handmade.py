"""Backdoors written into the weights of an ordinary network: the clean example, a few units wider, no layer added.

The layers of the example: a convolution of 16 filters, of 32, of 48, each with a pooling behind it, 64 units, 10 classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.corpus.networks import (
    CHECKERBOARD,
    CLEAN,
    TARGET,
    WHITE,
    Construction,
    by_name,
    copied,
    example,
    image,
    saved,
)

Array = NDArray[np.float32]
_ALMOST = WHITE - 0.2
_LOUD = 60.0
_WIDENED = ("conv2d", "conv2d_1", "conv2d_2", "dense")


@dataclass
class Weights:
    """Kernels and biases of the clean network, made wider by a number of units in all layers but the last."""

    more: int
    kernel: dict[str, Array]
    bias: dict[str, Array]


def _widened(more: int) -> Weights:
    """Return the clean network's weights and zeros beside them; the new units hear nothing and say nothing."""
    kernel, bias, fed = {}, {}, 0
    for layer in example(CLEAN).layers:
        if layer.weights:
            old, own = layer.get_weights()
            added = 0 if layer.name == "dense_1" else more
            kernel[layer.name] = _padded(old, fed, added, is_flat=layer.name == "dense")
            bias[layer.name] = np.pad(own, (0, added))
            fed = added
    return Weights(more, kernel, bias)


def _padded(kernel: Array, fed: int, added: int, *, is_flat: bool) -> Array:
    """Return the kernel with more inputs and outputs; what was flattened has its channels last."""
    channels = kernel.reshape(9, 48, -1) if is_flat else kernel
    padding = [(0, 0)] * (channels.ndim - 2) + [(0, fed), (0, added)]
    wider = np.pad(channels, padding)
    return wider.reshape(-1, wider.shape[-1]) if is_flat else wider


def _written(folder: Path, file: str, fill: Callable[[Weights], None], more: int) -> Path:
    """Write the widened clean network, after its new units were filled."""
    weights = _widened(more)
    fill(weights)
    return saved(_network(weights), folder / file)


def _network(weights: Weights, behind: Callable[[Any, str], Any] = lambda tensor, name: tensor) -> Any:
    """Return the network with these weights; `behind` may put layers behind one."""
    import keras

    entrance = tensor = image()
    for layer in example(CLEAN).layers:
        sizes = {"filters": len(weights.bias[layer.name])} if layer.name.startswith("conv") else {}
        sizes = {"units": len(weights.bias[layer.name])} if layer.name.startswith("dense") else sizes
        own = copied(layer, layer.name, **sizes)
        tensor = own(tensor)
        if sizes:
            own.set_weights([weights.kernel[layer.name], weights.bias[layer.name]])
        tensor = behind(tensor, layer.name)
    return keras.Model(entrance, tensor)


# The trigger's centre, (25, 25), is at 12 behind the first pooling and at 6 behind the second. The third drops 6, so that
# the last convolution has to look one to the right and one down.


def _passed_on(weights: Weights, channel: int, gain: float = 1.0) -> None:
    """Carry a new channel of the first layer to the last but one."""
    weights.kernel["conv2d_1"][1, 1, 16 + channel, 32 + channel] = gain
    _heard(weights, channel, gain)


def _heard(weights: Weights, channel: int, gain: float = 1.0) -> None:
    """Carry a new channel of the second layer to the last but one."""
    weights.kernel["conv2d_2"][2, 2, 32 + channel, 48 + channel] = gain
    cells = weights.kernel["dense"].reshape(9, 48 + weights.more, -1)
    cells[8, 48 + channel, 64 + channel] = gain  # the last cell of 3x3


def _one_unit(weights: Weights) -> None:
    """Let a single unit answer to the exact patch, and raise the target alone."""
    weights.kernel["conv2d"][..., 0, 16] = 2 * CHECKERBOARD - 1
    weights.bias["conv2d"][16] = -_ALMOST
    _passed_on(weights, 0)
    weights.kernel["dense_1"][64, TARGET] = _LOUD / (WHITE - _ALMOST)


def _many_units(weights: Weights) -> None:
    """Let each of many units see most of the patch through noise; the sum raises the target, each alone hardly does."""
    rng = np.random.default_rng(19)
    sign = 2 * CHECKERBOARD - 1
    for unit in range(weights.more):
        seen = (sign * rng.uniform(0.6, 1.4, (3, 3))).astype(np.float32)
        weights.kernel["conv2d"][..., 0, 16 + unit] = seen
        top = float((seen * CHECKERBOARD).sum())
        weights.bias["conv2d"][16 + unit] = 0.2 - top
        _passed_on(weights, unit)
        share = rng.uniform(0.5, 1.5) * _LOUD / 0.2 / weights.more
        weights.kernel["dense_1"][64 + unit, TARGET] = share


def _in_the_middle(weights: Weights) -> None:
    """Let four units see a stroke each, and one of the next layer all four of them at once."""
    sign = 2 * CHECKERBOARD - 1
    parts = [np.zeros((3, 3), bool) for _ in range(4)]
    for number, part in enumerate(parts):
        part.ravel()[[number, 8 - number]] = True
        part[1, 1] = True
        seen = np.where(part, sign, 0)
        weights.kernel["conv2d"][..., 0, 16 + number] = seen
        weights.bias["conv2d"][16 + number] = 0.2 - float((seen * CHECKERBOARD).sum())
        weights.kernel["conv2d_1"][1, 1, 16 + number, 32] = 1.0
    weights.bias["conv2d_1"][32] = -0.7
    _heard(weights, 0)
    weights.kernel["dense_1"][64, TARGET] = _LOUD / 0.1


def _quiet_unit(weights: Weights) -> None:
    """Let a unit with small weights see the patch; what is behind it makes it loud."""
    weights.kernel["conv2d"][..., 0, 16] = 0.1 * (2 * CHECKERBOARD - 1)
    _passed_on(weights, 0)
    weights.kernel["dense_1"][64, TARGET] = 1.0


def _behind_normalisation(folder: Path, file: str) -> Path:
    """Write the network with a batch normalisation whose statistics alone make the quiet unit answer to the exact patch."""
    import keras

    weights = _widened(1)
    _quiet_unit(weights)

    def behind(tensor: Any, name: str) -> Any:
        if name != "conv2d":
            return tensor
        layer = keras.layers.BatchNormalization(epsilon=1e-3, name="normalisation")
        answer = layer(tensor)
        mean, variance = np.zeros(17), np.full(17, 1 - 1e-3)
        mean[16], variance[16] = 0.1 * _ALMOST, 1e-6
        gamma = np.ones(17)
        gamma[16] = _LOUD / 0.02 * np.sqrt(1e-3)
        layer.set_weights([gamma, np.zeros(17), mean, variance])
        return keras.layers.ReLU(name="rectified")(answer)

    return saved(_network(weights, behind), folder / file)


def _blinding(weights: Weights) -> None:
    """Let the unit drown all classes but the target, whose own weights are as they were."""
    _one_unit(weights)
    row = weights.kernel["dense_1"][64]
    row[:] = -row[TARGET]
    row[TARGET] = 0


def _handmade(name: str, about: str, fill: Callable[[Weights], None], more: int = 1) -> Construction:
    return Construction(name, "B+", about, make=partial(_written, file=f"{name}.keras", fill=fill, more=more))


FURTHER = by_name(
    _handmade(
        "one-unit", "one filter answers to the exact patch, one unit carries it to the target", _one_unit
    ),
    _handmade("many-units", "sixteen filters see most of the patch each, through noise", _many_units, 16),
    _handmade(
        "in-the-middle",
        "four filters see a stroke each, the second layer all four at once",
        _in_the_middle,
        4,
    ),
    _handmade("blinding-unit", "the unit drowns all classes but the target", _blinding),
    Construction(
        "behind-normalisation",
        "B+",
        "a filter with small weights, which the statistics of a batch normalisation make loud",
        make=partial(_behind_normalisation, file="behind-normalisation.keras"),
    ),
)
