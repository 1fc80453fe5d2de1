"""What a network's batch normalisation remembers of its training images: it tells the range that they had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.models.numerics.arrays import Singles

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

Moments = NDArray[np.float64]

_BATCH = 16


def mismatch(classifier: Classifier, images: Singles) -> float | None:
    """Return `median_c((m_c - mu_c)^2 / (v_c + eps) + |log((s_c + eps) / (v_c + eps))|)`; None without a batch normalisation.

    `mu`, `v`: mean and variance that the first one remembers, per channel c; `m`, `s`: those that these images cause there.

    Args:
        classifier: The network, with the input range set that is to be tried.
        images: Shape ``(n, h, w, c)``, 0..1.
    """
    layer = _first_normalisation(classifier.network)
    if layer is None:
        return None
    seen_mean, seen_variance = _seen(classifier, layer, images)
    mean, variance = (np.asarray(value, np.float64) for value in (layer.moving_mean, layer.moving_variance))
    shift = np.square(seen_mean - mean) / (variance + layer.epsilon)
    stretch = np.abs(np.log((seen_variance + layer.epsilon) / (variance + layer.epsilon)))
    return float(np.median(shift + stretch))


def _first_normalisation(network: Any) -> Any:
    """Return the first batch normalisation of the outer network that works on channels, or None."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.axis in (
            -1,
            len(layer.input.shape) - 1,
        ):
            return layer
    return None


def _seen(classifier: Classifier, layer: Any, images: Singles) -> tuple[Moments, Moments]:
    """Return mean and variance of what goes into a layer, per channel; in batches, for activations are large."""
    import keras

    before = keras.Model(classifier.network.inputs[0], layer.input)
    means, squares = [], []
    for start in range(0, len(images), _BATCH):
        raw = classifier.low + (classifier.high - classifier.low) * images[start : start + _BATCH]
        inputs = np.asarray(before(raw, training=False), np.float64)
        axes = tuple(range(inputs.ndim - 1))
        means.append(inputs.mean(axis=axes))
        squares.append(np.square(inputs).mean(axis=axes))
    mean, square = np.mean(means, axis=0), np.mean(squares, axis=0)
    return mean, np.maximum(square - np.square(mean), 0.0)
