"""A network cut where a layer flattens a map of features: below it every place of the picture is treated alike, above it none is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

Floats = NDArray[np.float32]
Gradients = tuple[NDArray[np.float64], ...]

_FLATTENING = ("Flatten", "Reshape")
# A map of fewer places says nothing of places.
_FEWEST_PLACES = 4


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """The part of a network above its last maps of features, and what some images are there.

    Attributes:
        features: The maps, each of shape ``(n, h, w, c)``.
        above: Keras model from the maps to the logits.
    """

    features: tuple[Floats, ...]
    above: Any

    def gradients(self, labels: NDArray[np.int64]) -> Iterator[Gradients]:
        """Yield for each class the gradient of its logit at every place of the maps, mean over the images, each ``(h, w, c)``.

        Args:
            labels: The classes.
        """
        import tensorflow as tf

        maps = [tf.constant(each) for each in self.features]

        @tf.function  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def slopes(label: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(maps)
                logits = tf.cast(self.above(maps, training=False), tf.float32)
                height = tf.reduce_sum(tf.gather(logits, label, axis=1))
            return [tf.reduce_mean(each, axis=0) for each in tape.gradient(height, maps)]

        for label in labels:
            yield tuple(each.numpy().astype(np.float64) for each in slopes(tf.constant(int(label), tf.int32)))


def feature_maps(classifier: Classifier, images: Floats) -> FeatureMaps | None:
    """Return the network above its last maps of features; None if no layer flattens one, or if something goes around them.

    Args:
        classifier: The network.
        images: Shape ``(n, h, w, c)``, 0..1.
    """
    import keras

    network = classifier.network
    tensors = _flattened(network.outputs[0])
    if not tensors:
        return None
    try:
        above = keras.Model(tensors, network.outputs[0])
    except ValueError:  # the picture reaches the head by another way, too
        return None
    below = keras.Model(network.inputs, tensors)
    found = below.predict_on_batch(classifier.low + (classifier.high - classifier.low) * images)
    features = found if isinstance(found, (list, tuple)) else [found]
    return FeatureMaps(tuple(np.asarray(each, np.float32) for each in features), above)


def _flattened(output: Any) -> list[Any]:
    """Return the maps that are flattened on the way to the output, in the order in which the way back meets them."""
    found, waiting, seen = [], [output], set()
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        history = tensor._keras_history
        sources = history.operation._inbound_nodes[history.node_index].input_tensors
        is_flat = len(tensor.shape) == 2 and type(history.operation).__name__ in _FLATTENING
        maps = [each for each in sources if is_flat and len(each.shape) == 4]
        found += [each for each in maps if each.shape[1] * each.shape[2] >= _FEWEST_PLACES]
        waiting += [] if maps else sources
    return found
