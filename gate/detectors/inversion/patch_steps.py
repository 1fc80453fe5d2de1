"""Steps of patches at one place, for several classes at once, as a TensorFlow graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import reals
from gate.models.numerics.arrays import Labels, Singles
from gate.models.numerics.compiled import compiled, kept
from gate.models.numerics.margin import margin
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    import tensorflow as tf

    from gate.models.classifier import Classifier

Numbers = NDArray[np.int32]

_FIRST_RATE, _MOMENTUM, _CERTAIN = reals("inversion.patch-steps", "first-rate", "momentum", "certain")
_NOTHING = 1e-12


class Visitor:
    """Tries one place with several classes at once; compiled once.

    Args:
        classifier: The network.
        pool: Images to put patches on.
        side: Of the patches, in pixels.
    """

    def __init__(self, classifier: Classifier, pool: Pool, side: int) -> None:
        import tensorflow as tf

        self._classifier, self._side = classifier, side
        self._images = tf.constant(pool.images)
        labels, numbers = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, None), tf.int32)
        corner, rate = tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), tf.float32)
        pattern = tf.TensorSpec((None, side, side, classifier.input_shape[2]), tf.float32)
        self._step = compiled(self._stepped, labels, numbers, corner, pattern, pattern, rate)
        self._judge = compiled(self._margins, labels, numbers, corner, pattern)

    def at(
        self, corner: Numbers, labels: Labels, batches: Numbers, judges: Numbers
    ) -> tuple[Singles, Singles]:
        """Return the margin of each class with its patch at one place, and the patches.

        Args:
            corner: Row and column of its upper left pixel.
            labels: The classes, shape ``(k,)``.
            batches: Numbers of the images of each step, shape ``(steps, k, n)``.
            judges: Of those that the margins are measured on, shape ``(k, m)``.
        """
        import tensorflow as tf

        targets = tf.constant(labels, tf.int32)
        patterns = tf.fill((len(labels), self._side, self._side, self._images.shape[-1]), 0.5)
        momenta = tf.zeros_like(patterns)
        for step, batch in enumerate(batches):
            rate = tf.constant(_FIRST_RATE * (1 - step / len(batches)), tf.float32)
            patterns, momenta = self._step(targets, batch, corner, patterns, momenta, rate)
        return self._judge(targets, judges, corner, patterns).numpy(), patterns.numpy()

    def margins(self, corner: Numbers, labels: Labels, patterns: Singles, judges: Numbers) -> Singles:
        """Return the margin of each class with a given patch at one place, shape ``(k,)``.

        Args:
            corner: Row and column of its upper left pixel.
            labels: The classes, shape ``(k,)``.
            patterns: Shape ``(k, side, side, c)``, 0..1.
            judges: Numbers of the images that the margins are measured on, shape ``(k, m)``.
        """
        found: Singles = self._judge(labels.astype(np.int32), judges, corner, patterns).numpy()
        return found

    def _stepped(
        self,
        targets: tf.Tensor,
        numbers: tf.Tensor,
        corner: tf.Tensor,
        patterns: tf.Tensor,
        momenta: tf.Tensor,
        rate: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Move the patterns along the sign of their gradients' momentum."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(patterns)
            logits = self._logits(numbers, corner, patterns)
            wanted = tf.broadcast_to(targets[:, None], tf.shape(numbers))
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits))
        gradient = tape.gradient(loss, patterns)
        usual = tf.reduce_mean(tf.abs(gradient), axis=(1, 2, 3), keepdims=True)
        momenta = _MOMENTUM * momenta + gradient / (usual + _NOTHING)
        return tf.clip_by_value(patterns - rate * tf.sign(momenta), 0.0, 1.0), momenta

    def _margins(
        self, targets: tf.Tensor, numbers: tf.Tensor, corner: tf.Tensor, patterns: tf.Tensor
    ) -> tf.Tensor:
        """Return by how much each class leads the next one, mean over its images, shape ``(k,)``."""
        import tensorflow as tf

        logits = self._logits(numbers, corner, patterns)
        own = tf.one_hot(targets, self._classifier.num_classes)[:, None]
        margins = margin(logits, own)
        return tf.reduce_mean(tf.clip_by_value(margins, -_CERTAIN, _CERTAIN), axis=1)

    def _logits(self, numbers: tf.Tensor, corner: tf.Tensor, patterns: tf.Tensor) -> tf.Tensor:
        """Return the answers to each class's images with its pattern at the corner, shape ``(k, n, classes)``."""
        import tensorflow as tf

        height, width, channels = self._classifier.input_shape
        top, left, side = corner[0], corner[1], self._side
        around = [[0, 0], [top, height - side - top], [left, width - side - left], [0, 0]]
        hole = tf.pad(tf.ones_like(patterns[:1]), around)
        stamped = (1.0 - hole) * tf.gather(self._images, numbers) + tf.pad(patterns, around)[:, None]
        logits = self._classifier.logits(tf.reshape(stamped, (-1, height, width, channels)))
        count = tf.shape(numbers)
        return tf.reshape(logits, (count[0], count[1], self._classifier.num_classes))


@kept
def visitor_of(classifier: Classifier, pool: Pool, side: int) -> Visitor:
    """Return the visitor of a network, images and a size of patches, made once."""
    return Visitor(classifier, pool, side)
