"""The inputs of a network's batch normalisations: `m_l`, the mean that layer l remembers, and `z_l(x)`, what an image sends there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.detectors.shared.constants import integer
from gate.models.graph.calling import call_each
from gate.models.numerics.arrays import Floats, Singles
from gate.models.numerics.compiled import compiled, kept
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_AT_A_TIME = integer("memory.normalisations.at-a-time")


@dataclass(frozen=True, slots=True, eq=False)
class Normalisation:
    """One batch normalisation.

    Attributes:
        mean: Running mean of its inputs over the last batches of the training, shape ``(c,)``.
        momentum: How much of it is kept from batch to batch, 0..1.
    """

    mean: Floats
    momentum: float


@dataclass(frozen=True, slots=True, eq=False)
class Normalisations:
    """All batch normalisations of a network that are passed once.

    Attributes:
        layers: In the order in which they are passed.
        inputs: From images, shape ``(n, h, w, c)``, 0..1, to the mean over all places of what goes into each, shape ``(n, c_l)``.
    """

    layers: tuple[Normalisation, ...]
    inputs: Callable[[Singles], tuple[Floats, ...]]


@kept
def normalisations(classifier: Classifier) -> Normalisations:
    """Return the batch normalisations of a network, inner networks included; none where it has none on channels."""
    import tensorflow as tf

    passed: list[Any] = []

    def look(images: Any) -> tuple[Any, ...]:
        passed.clear()
        found: list[Any] = []

        def call(operation: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
            if _is_on_channels(operation, args):
                passed.append(operation)
                found.append(_over_places(args[0]))
            return operation(*args, **options)

        call_each(classifier.network, classifier.raw(images), call)
        return tuple(found)

    graph = compiled(look, tf.TensorSpec((None, *classifier.input_shape)))
    once = [place for place, layer in enumerate(passed) if sum(layer is other for other in passed) == 1]

    def inputs(images: Singles) -> tuple[Floats, ...]:
        parts = [images[first : first + _AT_A_TIME] for first in range(0, len(images), _AT_A_TIME)]
        found = side_by_side(lambda part: [each.numpy() for each in graph(tf.constant(part))], parts)
        return tuple(
            finite(np.concatenate([each[place] for each in found])).astype(np.float64) for place in once
        )

    return Normalisations(tuple(_remembered(passed[place]) for place in once), inputs)


def _is_on_channels(operation: Any, args: tuple[Any, ...]) -> bool:
    import keras

    if not isinstance(operation, keras.layers.BatchNormalization):
        return False
    return operation.axis in (-1, len(args[0].shape) - 1)


def _over_places(values: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(tf.cast(values, tf.float32), axis=tuple(range(1, len(values.shape) - 1)))


def _remembered(layer: Any) -> Normalisation:
    return Normalisation(np.asarray(layer.moving_mean, np.float64), float(layer.momentum))
