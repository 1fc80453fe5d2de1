"""By how much a network prefers one class to all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

# Added to nothing, taken from a class's own logit: less than any other.
_OUT_OF_REACH = 1e9


def others(logits: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Return the logits without each image's own class: `z_k - 1e9 [k = own]`, of the same shape.

    Args:
        logits: Shape ``(..., k)``.
        own: 1 at the own class and 0 elsewhere, of a shape that broadcasts.
    """
    return logits - _OUT_OF_REACH * own


def margin(logits: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Return `z_own - max_{k != own} z_k`, shape ``(...)``.

    Args:
        logits: Shape ``(..., k)``.
        own: 1 at the own class and 0 elsewhere, of a shape that broadcasts.
    """
    import tensorflow as tf

    return tf.reduce_sum(own * logits, -1) - tf.reduce_max(others(logits, own), -1)
