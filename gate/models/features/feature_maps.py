"""The last maps of features of a network whose head keeps the places of the picture apart, and what the logits owe to each place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.models.numerics.arrays import Singles

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

Gradients = tuple[NDArray[np.float64], ...]

_FLATTENING = frozenset({"Flatten", "Reshape"})
_CONVOLVING = frozenset({"Conv2D", "DepthwiseConv2D", "SeparableConv2D"})
# The nearest ones to the head say most; further down all places are treated alike.
_MOST = 3
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """What some images are in the last maps of a network, and the network from there on.

    Attributes:
        ranges: How far each channel of each map reaches over all images and places, each of shape ``(c,)``; the nearest map first.
        entrance: What goes into `above`.
        above: Keras model from the furthest map to all of them, and the logits.
    """

    ranges: tuple[Singles, ...]
    entrance: Singles
    above: Any

    def gradients(self, labels: NDArray[np.int64]) -> Iterator[Gradients]:
        """Yield for each class the gradient of its logit at every place of the maps, mean over the images, each ``(h, w, c)``.

        Args:
            labels: The classes.
        """
        import tensorflow as tf

        entrance = tf.constant(self.entrance)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def slopes(label: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(entrance)
                *maps, logits = self.above(entrance, training=False)
                height = tf.reduce_sum(tf.gather(tf.cast(logits, tf.float32), label, axis=1))
            return [tf.reduce_mean(each, axis=0) for each in tape.gradient(height, maps)]

        for label in labels:
            found = slopes(tf.constant(int(label), tf.int32))
            yield tuple(each.numpy().astype(np.float64) for each in found)


def feature_maps(classifier: Classifier, images: Singles) -> FeatureMaps | None:
    """Return the last maps of a network, the nearest to the head first; None if its head does not keep their places apart.

    Args:
        classifier: The network.
        images: Shape ``(n, h, w, c)``, 0..1.
    """
    import keras

    network = classifier.network
    tensors = _maps(network)
    if not tensors:
        return None
    raw = classifier.low + (classifier.high - classifier.low) * images
    *nearer, furthest = tensors
    try:
        above = keras.Model(furthest, [*nearer, furthest, network.outputs[0]])
    except ValueError:  # another way goes around it
        above = keras.Model(network.inputs, [*tensors, network.outputs[0]])
        entrance = np.asarray(raw, np.float32)
    else:
        below = keras.Model(network.inputs, furthest)
        entrance = np.asarray(below.predict_on_batch(raw), np.float32)
    *features, _ = above.predict_on_batch(entrance)
    ranges = tuple(np.ptp(np.asarray(each, np.float32), axis=(0, 1, 2)) for each in features)
    return FeatureMaps(ranges, entrance, above)


def _maps(network: Any) -> list[Any]:
    """Return what goes into the last layers that flatten or convolve a map, by their distance from the output."""
    found: dict[int, Any] = {}
    waiting, seen, is_flattened = deque([network.outputs[0]]), set(), False
    pictures = {id(each) for each in network.inputs}
    while waiting:
        tensor = waiting.popleft()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        history = tensor._keras_history
        kind = type(history.operation).__name__
        sources = history.operation._inbound_nodes[history.node_index].input_tensors
        for each in sources:
            is_map = len(each.shape) == 4
            is_flattened |= is_map and kind in _FLATTENING and len(tensor.shape) == 2
            if is_map and kind in _FLATTENING | _CONVOLVING and _is_wide(each, pictures, kind):
                found.setdefault(id(each), each)
        waiting.extend(sources)
    return list(found.values())[:_MOST] if is_flattened else []


def _is_wide(tensor: Any, pictures: set[int], kind: str) -> bool:
    """Return whether a map has places to compare; the picture itself is one only where nothing convolves it."""
    is_picture = id(tensor) in pictures and kind in _CONVOLVING
    return min(tensor.shape[1:3]) >= _SHORTEST and not is_picture
