"""One Adam step of many triggers at once, as a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gate.detectors.inversion.triggers import TriggerModel
from gate.models.numerics.adam import adam
from gate.models.numerics.compiled import compiled, kept
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    import tensorflow as tf

    from gate.models.classifier import Classifier

Step = Callable[..., tuple[Any, ...]]
Tensors = tuple["tf.Tensor", ...]


def compiled_step(classifier: Classifier, pool: Pool, form: TriggerModel) -> Step:
    """Return one step of any number of restarts toward their target classes, compiled once.

    The step takes each restart's target class, the positions of a batch in the pool, each restart's cost of a unit of size,
    the number of the step, and the state: the form's parameters and their moments. It returns each restart's success
    rate and size, the trigger as it was before the step, and the new state.
    """
    return _graph(
        classifier,
        pool,
        _Kind(form, (_plain(form.trigger), _plain(form.stamp), _plain(form.size), form.tuning.rate)),
    )


def _plain(method: Any) -> Any:
    return getattr(method, "__func__", method)


@dataclass(frozen=True)
class _Kind:
    """A trigger model, and what its graph is made of: those that share it share the graph."""

    form: TriggerModel = field(compare=False)
    parts: tuple[Any, ...]


@kept
def _graph(classifier: Classifier, pool: Pool, kind: _Kind) -> Step:
    import tensorflow as tf

    form = kind.form
    images, predictions = tf.constant(pool.images), tf.constant(pool.predictions, tf.int32)
    count = len(form.depths(classifier.input_shape[2]))

    def advance(
        targets: tf.Tensor, batch: tf.Tensor, cost: tf.Tensor, time: tf.Tensor, *state: tf.Tensor
    ) -> Tensors:
        foreign = tf.cast(tf.not_equal(tf.gather(predictions, batch)[None], targets[:, None]), tf.float32)
        weights = foreign / tf.maximum(tf.reduce_sum(foreign, axis=1, keepdims=True), 1.0)
        wanted = tf.broadcast_to(targets[:, None], tf.shape(weights))
        with tf.GradientTape() as tape:
            tape.watch(state[:count])
            trigger = form.trigger(state[:count])
            logits = stamped_logits(classifier, form, tf.gather(images, batch), trigger)
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            sizes = form.size(trigger)
            loss = tf.reduce_sum(tf.reduce_sum(weights * error, axis=1) + cost * sizes)
        gradients = tape.gradient(loss, state[:count])
        hits = tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), wanted), tf.float32)
        success = tf.reduce_sum(weights * hits, axis=1)
        return success, sizes, *trigger, *adam(state, gradients, time, form.tuning.rate)

    return compiled(advance, *_signature(classifier.input_shape, form))


def stamped_logits(
    classifier: Classifier, form: TriggerModel, images: tf.Tensor, trigger: Tensors
) -> tf.Tensor:
    """Return the logits of every image under every restart's trigger, shape ``(restarts, n, k)``."""
    import tensorflow as tf

    stamped = form.stamp(images[None], tuple(value[:, None] for value in trigger))
    logits = classifier.logits(tf.reshape(stamped, (-1, *classifier.input_shape)))
    return tf.reshape(logits, (tf.shape(trigger[0])[0], tf.shape(images)[0], classifier.num_classes))


def state_signature(shape: tuple[int, int, int], form: TriggerModel) -> tuple[Any, ...]:
    """Return what the state of any number of restarts is, for `tf.function`: parameters and two moments of each.

    Args:
        shape: Of an image, ``(h, w, c)``.
        form: What a trigger may look like.
    """
    import tensorflow as tf

    height, width, channels = shape
    params = [tf.TensorSpec((None, height, width, depth), tf.float32) for depth in form.depths(channels)]
    return *params, *(each for each in params for _ in range(2))


def _signature(shape: tuple[int, int, int], form: TriggerModel) -> tuple[Any, ...]:
    import tensorflow as tf

    positions, costs = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32)
    return positions, positions, costs, tf.TensorSpec((), tf.float32), *state_signature(shape, form)
