"""One Adam step of many masks and patterns at once, as a TensorFlow graph.

Masks and patterns live in tanh space, so that every step leaves them within 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.models.surrogates.choice import Pool

if TYPE_CHECKING:
    import tensorflow as tf

    from gate.models.classifier import Classifier

Step = Callable[..., tuple[Any, ...]]

_RATE = 0.1
_DECAY_1, _DECAY_2 = 0.5, 0.9
# tanh reaches neither 0 nor 1; a little slack lets a mask be exactly empty or full.
_SLACK = 0.999


def compiled_step(classifier: Classifier, pool: Pool) -> Step:
    """Return one step of any number of arms, compiled once.

    The step takes each arm's target class, the positions of a batch in the pool, each arm's cost of a pixel, the
    number of the step, and the state: masks, patterns and their moments. It returns each arm's success rate, norm,
    mask and pattern as they were before the step, and the new state.
    """
    import tensorflow as tf

    height, width, channels = classifier.input_shape
    images, predictions = tf.constant(pool.images), tf.constant(pool.predictions, tf.int32)

    def stamped_logits(batch: tf.Tensor, mask: tf.Tensor, pattern: tf.Tensor) -> tf.Tensor:
        stamped = (1.0 - mask[:, None]) * tf.gather(images, batch)[None] + mask[:, None] * pattern[:, None]
        logits = classifier.logits(tf.reshape(stamped, (-1, height, width, channels)))
        return tf.reshape(logits, (tf.shape(mask)[0], tf.shape(batch)[0], classifier.num_classes))

    def advance(
        targets: tf.Tensor, batch: tf.Tensor, cost: tf.Tensor, time: tf.Tensor, *state: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        foreign = tf.cast(tf.not_equal(tf.gather(predictions, batch)[None], targets[:, None]), tf.float32)
        weights = foreign / tf.maximum(tf.reduce_sum(foreign, axis=1, keepdims=True), 1.0)
        wanted = tf.broadcast_to(targets[:, None], tf.shape(weights))
        with tf.GradientTape() as tape:
            tape.watch(state[:2])
            mask, pattern = _from_tanh_space(state[0]), _from_tanh_space(state[1])
            logits = stamped_logits(batch, mask, pattern)
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            norms = tf.reduce_sum(mask, axis=(1, 2, 3))
            loss = tf.reduce_sum(tf.reduce_sum(weights * error, axis=1) + cost * norms)
        gradients = tape.gradient(loss, state[:2])
        hits = tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), wanted), tf.float32)
        success = tf.reduce_sum(weights * hits, axis=1)
        return success, norms, mask, pattern, *_adam(state, gradients, time)

    step: Step = tf.function(advance, input_signature=_signature(classifier.input_shape))
    return step


def to_tanh_space(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the hidden values of masks or patterns in 0..1."""
    hidden: NDArray[np.float64] = np.arctanh((values - 0.5) * 2 * _SLACK)
    return hidden


def _from_tanh_space(hidden: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.clip_by_value(tf.tanh(hidden) / (2 * _SLACK) + 0.5, 0.0, 1.0)


def _signature(shape: tuple[int, int, int]) -> tuple[Any, ...]:
    import tensorflow as tf

    height, width, channels = shape
    positions, costs = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32)
    mask, pattern = (tf.TensorSpec((None, height, width, depth), tf.float32) for depth in (1, channels))
    state = (mask, pattern, mask, mask, pattern, pattern)
    return positions, positions, costs, tf.TensorSpec((), tf.float32), *state


def _adam(
    state: tuple[tf.Tensor, ...], gradients: tuple[tf.Tensor, ...], time: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Return (mask, pattern, and their first and second moments) after one step of Adam.

    Paper: Kingma & Ba, Adam, ICLR 2015; rates and decays of Neural Cleanse.
    """
    import tensorflow as tf

    variables, moments = [], []
    for variable, gradient, first, second in zip(state[:2], gradients, state[2::2], state[3::2], strict=True):
        new_first = _DECAY_1 * first + (1 - _DECAY_1) * gradient
        new_second = _DECAY_2 * second + (1 - _DECAY_2) * tf.square(gradient)
        scale = tf.sqrt(new_second / (1 - _DECAY_2**time)) + 1e-8
        variables.append(variable - _RATE * new_first / (1 - _DECAY_1**time) / scale)
        moments += [new_first, new_second]
    return (*variables, *moments)
