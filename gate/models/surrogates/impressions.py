"""Class impressions: images refined until the network takes each for a class of our choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.models.surrogates.families import Images

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_STEPS = 50
_RATE = 0.2
_ROUGHNESS = 0.02
_DRIFT = 0.02
_MARGIN = 0.02


def refine(classifier: Classifier, images: Images, labels: NDArray[np.int32], steps: int = _STEPS) -> Images:
    """Return the images moved toward their labels, still smooth and close to where they began.

    Minimises cross-entropy + total variation + squared distance by Adam on the images' logits.

    Args:
        classifier: The network; its weights do not change.
        images: Starting points, shape ``(n, h, w, c)``, 0..1.
        labels: Class to move each image toward, shape ``(n,)``.
        steps: Of the optimiser.

    Returns:
        Images of the same shape, 0..1.

    Paper: Mopuri et al., Ask, Acquire and Attack (class impressions), ECCV 2018.
    """
    import tensorflow as tf

    start = tf.constant(np.clip(images, _MARGIN, 1 - _MARGIN))
    targets = tf.constant(labels, tf.int32)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def step(
        hidden: tf.Tensor, first: tf.Tensor, second: tf.Tensor, time: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            image = tf.sigmoid(hidden)
            logits = classifier.logits(image)
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            roughness = tf.reduce_sum(tf.image.total_variation(image))
            drift = tf.reduce_sum(tf.square(image - start))
            loss = tf.reduce_sum(error) + _ROUGHNESS * roughness + _DRIFT * drift
        gradient = tape.gradient(loss, hidden)
        first = 0.5 * first + 0.5 * gradient
        second = 0.9 * second + 0.1 * tf.square(gradient)
        scale = tf.sqrt(second / (1 - 0.9**time)) + 1e-8
        return hidden - _RATE * first / (1 - 0.5**time) / scale, first, second

    hidden = tf.math.log(start) - tf.math.log1p(-start)
    state = (hidden, tf.zeros_like(hidden), tf.zeros_like(hidden))
    for time in range(1, steps + 1):
        state = step(*state, tf.constant(float(time)))
    refined: Images = tf.sigmoid(state[0]).numpy()
    assert refined.shape == images.shape
    return refined
