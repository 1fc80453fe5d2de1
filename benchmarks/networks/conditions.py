"""Clean networks that look unusual for an innocent reason: what is done to their data, their training, their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.networks.data import Split
from benchmarks.networks.spans import Span

_FEW_IMAGES = 500
_RAREST = 1 / 50
_WRONG_LABELS = 0.1
_PRUNED = 0.7
_STEP = 0.03  # of FGSM, in images of 0..1


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train.

    Attributes:
        epochs: At most.
        stops_early: Whether to stop when the training set is learnt.
    """

    epochs: int
    stops_early: bool = True


def schedule(condition: str, ordinary: int) -> Schedule:
    """Return how long a network of that condition trains, whose ordinary twin would take so many epochs."""
    if condition == "undertrained":
        return Schedule(1)
    if condition == "overfitted":
        return Schedule(max(60, ordinary), stops_early=False)
    return Schedule(ordinary)


def data_for(condition: str, clean: Split, seed: int) -> Split:
    """Return the training set of that condition."""
    rng = np.random.default_rng([seed, 19])
    if condition == "overfitted":
        return Split(clean.images[:_FEW_IMAGES], clean.labels[:_FEW_IMAGES])
    if condition == "noisy-labels":
        k = int(clean.labels.max()) + 1
        wrong = rng.random(len(clean.labels)) < _WRONG_LABELS
        return Split(clean.images, np.where(wrong, rng.integers(0, k, len(wrong)), clean.labels))
    if condition == "imbalanced":
        return _imbalanced(clean, rng)
    return clean


def _imbalanced(clean: Split, rng: np.random.Generator) -> Split:
    """Return the classes thinned out, in random order, from all images to one in fifty, each by the same factor."""
    counts = np.bincount(clean.labels)
    shares = rng.permutation(np.geomspace(1, _RAREST, len(counts)))
    wanted = np.maximum(4, np.minimum(counts, shares * counts.max())).astype(int)
    kept = np.concatenate([np.flatnonzero(clean.labels == k)[:most] for k, most in enumerate(wanted)])
    kept = rng.permutation(kept)
    return Split(clean.images[kept], clean.labels[kept])


def harden(model: Any, train: Split, span: Span, epochs: int) -> None:
    """Train on, half of every epoch on images that one gradient step has made harder (FGSM).

    Paper: Goodfellow et al., Explaining and Harnessing Adversarial Examples, ICLR 2015.
    """
    inputs = span.encode(train.images)
    step = _STEP * np.array(span.scale, np.float32)
    for _ in range(epochs):
        harder = inputs + step * _gradient_signs(model, inputs, train.labels)
        images, labels = np.concatenate([inputs, harder]), np.tile(train.labels, 2)
        model.fit(images, labels, batch_size=64, epochs=1, verbose=0)


def _gradient_signs(model: Any, inputs: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Any:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def signs(batch: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(batch)
            loss = model.loss(wanted, model(batch, training=False))
        return tf.sign(tape.gradient(loss, batch))

    starts = range(0, len(labels), 256)
    return np.concatenate(
        [signs(tf.constant(inputs[s : s + 256]), tf.constant(labels[s : s + 256])).numpy() for s in starts]
    )


def prune(model: Any) -> list[Any]:
    """Set the smallest weights of every kernel to zero, 70 % of them; return the weights' masks."""
    masks = []
    for weight in model.trainable_variables:
        value = np.abs(weight.numpy())
        limit = np.quantile(value, _PRUNED) if value.ndim > 1 else -1.0
        masks.append(value > limit)
    apply_masks(model, masks)
    return masks


def apply_masks(model: Any, masks: list[Any]) -> None:
    """Set what a mask says to zero."""
    for weight, mask in zip(model.trainable_variables, masks, strict=True):
        weight.assign(weight.numpy() * mask)


def round_to_half(model: Any) -> None:
    """Round all weights to 16 bits, as a file made small for a phone has them."""
    model.set_weights([value.astype(np.float16).astype(np.float32) for value in model.get_weights()])
