"""What a network answers to a fixed set of questions: the raw material of meta neural analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.meta.queries import Stamp, stamps
from gate.detectors.shared.constants import integer, integers, real, several
from gate.models.numerics.arrays import Floats, Images
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.impressions import refine
from gate.models.surrogates.selection import information, probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier


_WINDOW = real("meta.responses.window")
_SEED, _PER_FAMILY, _IMAGES = integers("meta.responses", "seed", "per-family", "images")
_REFINEMENT, _PATCHES, _BLENDS = integers("meta.responses", "refinement", "patches", "blends")
_BATCH = integer("meta.responses.batch")
TRIGGERS = _PATCHES + _BLENDS
_STEPS = several("meta.responses.steps")
_NO_SPREAD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """A network's answers; k classes, n images, t triggers.

    Attributes:
        families: Logits for procedural images of each family, shape ``(f, m, k)``.
        plain: Logits for the images, shape ``(n, k)``.
        stamped: Logits for the images under each trigger, the patches first, shape ``(t, n, k)``.
        patches: How many of the triggers are patches.
        pushed: Share of other-class images that one step of the gradient sends to each class, for two sizes of
            a faint step and for a repainted square, shape ``(3, k)``.
        gained: How much the margin of each class rises by the same steps, in units of the spread of the logits, shape ``(3, k)``.
        weights: Mean, norm and bias of the last layer's weights into each class, shape ``(3, k)``.
    """

    families: Floats
    plain: Floats
    stamped: Floats
    patches: int
    pushed: Floats
    gained: Floats
    weights: Floats


def unanswerable(classifier: Classifier) -> str:
    """Return why a network cannot be asked, as a sentence; "" if it can be."""
    columns = classifier.head_weights()[0].shape[1]
    return "" if columns > 1 else f"The last layer has one column for {classifier.num_classes} classes."


def ask(classifier: Classifier) -> Responses:
    """Ask a network all questions, the same whatever else is known of it.

    Args:
        classifier: The network, with its input range set.
    """
    shape = classifier.input_shape
    drawn = {name: probes(name, shape, _SEED, _PER_FAMILY) for name in FAMILIES}
    families = {name: classifier.predict(images) for name, images in drawn.items()}
    images = _impressions(classifier, max(FAMILIES, key=lambda name: information(families[name])))
    plain = classifier.predict(images)
    asked = stamps(_SEED, shape, _PATCHES, _BLENDS)
    stamped = [classifier.predict(stamp.on(images)) for stamp in asked]
    pushed, gained = _pushes(classifier, images, plain)
    return Responses(
        families=np.stack(list(families.values())).astype(np.float64),
        plain=plain.astype(np.float64),
        stamped=np.stack(stamped).astype(np.float64),
        patches=_PATCHES,
        pushed=pushed,
        gained=gained,
        weights=_weights(classifier),
    )


def _impressions(classifier: Classifier, family: str) -> Images:
    """Return images of a family, refined until each class is among the answers: a trigger overrules what is seen."""
    images = probes(family, classifier.input_shape, _SEED, _IMAGES)
    labels = (np.arange(_IMAGES) % classifier.num_classes).astype(np.int32)
    return refine(classifier, images, labels, _REFINEMENT)


def _weights(classifier: Classifier) -> Floats:
    kernel, bias = classifier.head_weights()
    return np.stack([kernel.mean(axis=0), np.linalg.norm(kernel, axis=0), bias])


def _pushes(classifier: Classifier, images: Images, plain: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Return, for each class, what the best step of each size and one repainted square achieve."""
    scale = float(plain.std()) + _NO_SPREAD
    slope_of = _slope_function(classifier)
    pushed, gained = np.zeros((2, len(_STEPS) + 1, classifier.num_classes))
    for label in range(classifier.num_classes):
        is_other = plain.argmax(axis=1) != label
        if not is_other.any():
            continue
        others, before = images[is_other], _margin(plain[is_other], label)
        for row, moved in enumerate(_moved(others, slope_of(others, label))):
            after = _margin(classifier.predict(moved), label)
            pushed[row, label], gained[row, label] = (after > 0).mean(), (after - before).mean() / scale
    return pushed, gained


def _margin(logits: NDArray[np.float32], label: int) -> Floats:
    margin: Floats = logits[:, label].astype(np.float64) - np.delete(logits, label, axis=1).max(axis=1)
    return margin


def _moved(images: Images, slope: Images) -> Iterator[Images]:
    for step in _STEPS:
        yield np.clip(images + np.float32(step) * np.sign(slope), 0.0, 1.0)
    yield _repainted(slope).on(images)


def _slope_function(classifier: Classifier) -> Callable[[Images, int], Images]:
    """Return what gives the direction, shape ``(h, w, c)``, that raises a class's log probability most for all images."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *classifier.input_shape), tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def summed(images: Any, label: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            log_probability = tf.reduce_sum(tf.nn.log_softmax(classifier.logits(images))[:, label])
        return tf.reduce_sum(tape.gradient(log_probability, images), axis=0)

    def slope(images: Images, label: int) -> Images:
        starts = range(0, len(images), _BATCH)
        total: Images = sum(summed(images[i : i + _BATCH], label).numpy() for i in starts)
        return total

    return slope


def _repainted(slope: Images) -> Stamp:
    """Return the square where the slope is steepest, each of its pixels as bright or dark as the slope asks."""
    height, width, _ = slope.shape
    side = max(1, round(min(height, width) * _WINDOW))
    steep = np.pad(np.abs(slope).sum(axis=2), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    sums = steep[side:, side:] - steep[:-side, side:] - steep[side:, :-side] + steep[:-side, :-side]
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    mask = np.zeros((height, width, 1), np.float32)
    mask[top : top + side, left : left + side] = 1.0
    return Stamp(mask, (slope > 0).astype(np.float32))
