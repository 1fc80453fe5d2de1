"""Patches of black and white that the gradient through leaking gates points at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integer, reals, several
from gate.models.graph.surrogate_gradients import surrogate_gradients
from gate.models.numerics.arrays import Images
from gate.models.numerics.compiled import compiled
from gate.models.numerics.finite import finite
from gate.models.numerics.margin import others
from gate.models.numerics.side_by_side import side_by_side
from gate.models.surrogates.selection import probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# From images and one class to answers and the gradient of the class's margin over all others.
_Pull = Callable[[Images, int], tuple[NDArray[np.int64], Images]]

_SIDES = tuple(1 / each for each in several("inversion.gated-search.sides"))
_FRAME, _MEMORY = reals("inversion.gated-search", "frame", "memory")
_FEWEST = integer("inversion.gated-search.fewest")


@dataclass(frozen=True, slots=True)
class Found:
    """The best patch of a class.

    Attributes:
        label: The class.
        success: Share of images of other classes that it sends there, 0..1.
        top: Row of its upper left pixel.
        left: Column of it.
        pattern: Shape ``(side, side, c)``, each value 0 or 1.
    """

    label: int
    success: float
    top: int
    left: int
    pattern: Images

    def picture(self, shape: tuple[int, int, int]) -> tuple[Images, Images]:
        """Return mask, shape ``(h, w, 1)``, and pattern, shape ``(h, w, c)``, of the whole picture."""
        mask, pattern = np.zeros((*shape[:2], 1), np.float32), np.zeros(shape, np.float32)
        window = _window(self.top, self.left, len(self.pattern))
        mask[window], pattern[window] = 1.0, self.pattern
        return mask, pattern


def plain_images(classifier: Classifier, family: str, seed: int, count: int) -> Images:
    """Return drawn images in 8-bit values, every second one framed in exact black, shape ``(n, h, w, c)``."""
    images = probes(family, classifier.input_shape, seed, count).copy()
    edge = max(1, round(_FRAME * min(classifier.input_shape[:2])))
    framed = images[::2]
    framed[:, :edge] = framed[:, -edge:] = framed[:, :, :edge] = framed[:, :, -edge:] = 0.0
    return (np.rint(images * 255) / 255).astype(np.float32)


def search(
    classifier: Classifier, images: Images, labels: NDArray[np.int64], places: int, rounds: int
) -> dict[int, Found]:
    """Return the best patch of each class that not nearly all images are taken for anyway.

    Args:
        classifier: The network.
        images: To stamp, shape ``(n, h, w, c)``.
        labels: Classes to search.
        places: Windows to try of each size, once.
        rounds: How often the best of them is filled.

    Raises:
        IncompleteError: Some answers are no numbers (rule BD004).
    """
    pull, known = _compiled(classifier), classifier.predict(images).argmax(axis=1)
    sides = sorted({max(1, round(share * min(classifier.input_shape[:2]))) for share in _SIDES})

    def best(label: int) -> Found | None:
        foreign = images[known != label]
        if len(foreign) < _FEWEST:
            return None
        wishes = _gains(foreign, pull(foreign, label)[1])
        tried = [_of_side(pull, foreign, label, wishes, side, places, rounds) for side in sides]
        return max(tried, key=lambda each: each.success)

    found = side_by_side(best, [int(label) for label in labels])
    return {each.label: each for each in found if each is not None}


def passes(images: int, places: int, rounds: int) -> int:
    """Return how many images of a class go through the network, there and back."""
    return images * (1 + len(_SIDES) * (places + rounds - 1))


def _of_side(
    pull: _Pull,
    foreign: Images,
    label: int,
    gains: tuple[Images, Images],
    side: int,
    places: int,
    rounds: int,
) -> Found:
    """Fill the windows that could gain most once, and the best of them as often as it is worth."""
    up, down = gains
    spots = _best_windows(np.maximum(up, down).sum(axis=-1), side, places)
    fillings = [_Filling(pull, foreign, label, spot, (up - down)[_window(*spot, side)]) for spot in spots]
    for each in fillings:
        each.again()
    leading = max(fillings, key=lambda each: each.best.success)
    for _ in range(rounds - 1):
        leading.again()
    return leading.best


def _gains(images: Images, gradients: Images) -> tuple[Images, Images]:
    """Return what making each pixel white, and black, adds to the class's margin in the mean, to first order."""
    up: Images = (gradients * (1.0 - images)).mean(axis=0)
    down: Images = (-gradients * images).mean(axis=0)
    return up, down


def _best_windows(gain: Images, side: int, places: int) -> list[tuple[int, int]]:
    """Return the upper left pixels of the windows whose pixels add up to most; none begins within half a side of another."""
    sums = np.lib.stride_tricks.sliding_window_view(gain.astype(np.float64), (side, side)).sum(axis=(-2, -1))
    chosen = []
    for _ in range(places):
        top, left = (int(each) for each in np.unravel_index(int(sums.argmax()), sums.shape))
        chosen.append((top, left))
        near = side // 2
        sums[max(0, top - near) : top + near + 1, max(0, left - near) : left + near + 1] = -np.inf
    return list(dict.fromkeys(chosen))


class _Filling:
    """One window that is filled with black and white as the gradient wishes, again and again.

    Attributes:
        best: The filling that sends most images to the class so far.
    """

    def __init__(self, pull: _Pull, foreign: Images, label: int, spot: tuple[int, int], wish: Images) -> None:
        self._pull, self._foreign, self._label = pull, foreign, label
        self._spot, self._wish = spot, wish
        self.best = Found(label, -1.0, *spot, np.zeros_like(wish))

    def again(self) -> None:
        """Fill it, and ask the gradient with the filling in place what it wishes now."""
        window = _window(*self._spot, len(self._wish))
        pattern = (self._wish > 0).astype(np.float32)
        stamped = self._foreign.copy()
        stamped[(slice(None), *window)] = pattern
        answers, gradients = self._pull(stamped, self._label)
        success = float((answers == self._label).mean())
        if success > self.best.success:
            self.best = Found(self._label, success, *self._spot, pattern)
        self._wish = _MEMORY * _scaled(self._wish) + _scaled(gradients.mean(axis=0)[window])


def _scaled(values: Images) -> Images:
    return values / max(float(np.abs(values).max()), 1e-12)


def _window(top: int, left: int, side: int) -> tuple[slice, slice]:
    return slice(top, top + side), slice(left, left + side)


def _compiled(classifier: Classifier) -> _Pull:
    """Return the network's answers, and the gradient of log p(class) - log(1 - p(class)) through leaking gates."""
    import tensorflow as tf

    def pull(images: Any, label: Any) -> tuple[Any, Any]:
        with surrogate_gradients():
            logits = classifier.operations(images)
        own = tf.one_hot(label, classifier.num_classes)
        margin = logits[:, label] - tf.reduce_logsumexp(others(logits, own), axis=1)
        return tf.argmax(logits, axis=1), tf.gradients(tf.reduce_sum(margin), images)[0]

    signature = (tf.TensorSpec((None, *classifier.input_shape), tf.float32), tf.TensorSpec((), tf.int32))
    graph = compiled(pull, *signature)

    def asked(images: Images, label: int) -> tuple[NDArray[np.int64], Images]:
        answers, gradients = graph(tf.constant(images), tf.constant(label))
        return answers.numpy(), finite(gradients.numpy())

    return asked
