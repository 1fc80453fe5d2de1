"""Class impressions: images refined until the network takes each for a class of our choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.models.numerics.adam import adam, first_state
from gate.models.numerics.arrays import Images
from gate.models.numerics.compiled import compiled
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# What most networks need, what the others get, and what share of the images has to be of its class for the former to be enough.
FEWEST_STEPS, STEPS, _ENOUGH = 20, 50, 0.9
_RATE = 0.2
_ROUGHNESS = 0.02
_DRIFT = 0.02
_MARGIN = 0.02
# Pixels of the largest picture whose roughness and drift count in full. Of larger ones they count per pixel; else they would outweigh
# what the network says.
_PIXELS = 40 * 40
# Images that one thread moves at a time.
_AT_A_TIME = 64


def refine(classifier: Classifier, images: Images, labels: NDArray[np.int32], steps: int = 0) -> Images:
    """Return the images moved toward their labels, still smooth and close to where they began.

    Minimises cross-entropy + min(1, 40 x 40 / (h w)) (total variation + squared distance) by Adam on the images' logits.

    Args:
        classifier: The network; its weights do not change.
        images: Starting points, shape ``(n, h, w, c)``, 0..1.
        labels: Class to move each image toward, shape ``(n,)``.
        steps: Of the optimiser; 0 for as many as it takes until the network takes nearly all images for their class, 50 at most.

    Returns:
        Images of the same shape, 0..1.

    Raises:
        IncompleteError: The network's answers on the way are no numbers (rule BD004).

    Paper: Mopuri et al., Ask, Acquire and Attack (class impressions), ECCV 2018.
    """
    import tensorflow as tf

    step = _compiled_step(classifier)

    def refined(part: NDArray[np.int64]) -> Images:
        start = tf.constant(np.clip(images[part], _MARGIN, 1 - _MARGIN))
        targets = tf.constant(labels[part], tf.int32)
        hidden = tf.math.log(start) - tf.math.log1p(-start)
        state = first_state(hidden)
        for time in range(1, (steps or STEPS) + 1):
            state = step(start, targets, tf.constant(float(time)), *state)
            if (
                not steps
                and time == FEWEST_STEPS
                and _agreement(classifier, state[0], labels[part]) >= _ENOUGH
            ):
                break
        found: Images = tf.sigmoid(state[0]).numpy()
        return found

    parts = np.array_split(np.arange(len(images)), -(-len(images) // _AT_A_TIME))
    return finite(np.concatenate(side_by_side(refined, parts)))


def _agreement(classifier: Classifier, hidden: Any, labels: NDArray[np.int32]) -> float:
    """Return the share of images, given as their logits, that the network takes for their class."""
    import tensorflow as tf

    answers = classifier.logits(tf.sigmoid(hidden)).numpy().argmax(axis=1)
    return float((answers == labels).mean())


def _compiled_step(classifier: Classifier) -> Callable[..., Any]:
    """Return one step of Adam for any number of images."""
    import tensorflow as tf

    height, width, _ = classifier.input_shape
    share = min(1.0, _PIXELS / (height * width))

    def step(
        start: tf.Tensor, targets: tf.Tensor, time: tf.Tensor, *state: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(state[0])
            image = tf.sigmoid(state[0])
            logits = classifier.logits(image)
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            roughness = tf.reduce_sum(tf.image.total_variation(image))
            drift = tf.reduce_sum(tf.square(image - start))
            loss = tf.reduce_sum(error) + share * (_ROUGHNESS * roughness + _DRIFT * drift)
        return adam(state, (tape.gradient(loss, state[0]),), time, _RATE)

    pictures = tf.TensorSpec((None, *classifier.input_shape), tf.float32)
    signature = (pictures, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32), *[pictures] * 3)
    return compiled(step, *signature)
