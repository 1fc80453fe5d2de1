"""A first look for the places where a small patch serves a class: one gradient for all places at once, steps at the best ones only.

The gradient of each class on unmarked images, `g_k = mean_x d log p_k(x) / dx`, each image's in units of its mean size, says which value
of each pixel serves the class: `[g_k > 0]`. A window filled with these is tried at every place, forward only. Where it does best, for its
class and beside other places and classes, a few steps follow. `patch_scan` makes those steps at every place, at ten times the cost.

Paper: Goodfellow et al., Explaining and Harnessing Adversarial Examples, ICLR 2015 (the sign of one gradient).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.inversion.patch_scan import PatchScan, Plan
from gate.detectors.inversion.patch_steps import Numbers, visitor_of
from gate.detectors.scoring.outliers import beside_means
from gate.detectors.shared.constants import integers
from gate.detectors.shared.contract import FORWARD
from gate.models.numerics.arrays import Labels, Singles
from gate.models.numerics.compiled import compiled, kept
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side
from gate.models.numerics.streams import Stream, random_numbers
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_FOR_GRADIENTS, _PLACES = integers("inversion.patch-screen", "for-gradients", "places")
_NOTHING = 1e-12


def screen_patches(
    classifier: Classifier, pool: Pool, labels: Labels, plan: Plan, first_judges: int, seed: int
) -> PatchScan:
    """Return what a patch does at every place, exact where it does best.

    Args:
        classifier: The network.
        pool: Images to put patches on; those of a class do not count for it.
        labels: The classes, shape ``(k,)``, ascending.
        plan: Places, and the steps at the best of them.
        first_judges: Images of each class that every place is tried on.
        seed: Of the images chosen. What is found for a class does not depend on the others.

    Raises:
        IncompleteError: The network's answers on the way are no numbers (rule BD004).
    """
    chosen = [_Chosen.of(pool, int(label), plan, seed) for label in labels]
    wanted = _wanted(classifier, pool, labels, np.stack([each.for_gradients for each in chosen]))
    corners = plan.corners(*classifier.input_shape[:2])
    visitor = visitor_of(classifier, pool, plan.side)
    judges = np.stack([each.judges for each in chosen])

    def tried(corner: Numbers) -> tuple[Singles, Singles]:
        patterns = wanted[:, corner[0] : corner[0] + plan.side, corner[1] : corner[1] + plan.side]
        return visitor.margins(corner, labels, patterns, judges[:, :first_judges]), patterns

    found = side_by_side(tried, corners)
    margins = finite(np.stack([each[0] for each in found])).astype(np.float64)
    patterns = np.stack([each[1] for each in found])
    batches = np.stack([each.batches for each in chosen], axis=1)

    def stepped(place: int) -> tuple[Any, Any, Any]:
        there = np.flatnonzero([place in each for each in best])
        return there, *visitor.at(corners[place], labels[there], batches[:, there], judges[there])

    best = best_places(margins, _PLACES)
    places = sorted(set(chain.from_iterable(best)))
    for place, (there, better, with_patterns) in zip(places, side_by_side(stepped, places), strict=True):
        margins[place, there], patterns[place, there] = finite(better), with_patterns
    return PatchScan(labels, corners, margins, patterns)


def passes_at_best_places(plan: Plan, classes: int) -> float:
    """Return how many images go there and back for the gradients, and at the best places of each class."""
    at_a_place = plan.steps * plan.images + FORWARD * plan.judges
    return classes * (_FOR_GRADIENTS + _PLACES * at_a_place)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Images of other classes than one, by number: for its gradient, to judge by, and for each step, shape ``(steps, n)``."""

    for_gradients: Numbers
    judges: Numbers
    batches: Numbers

    @classmethod
    def of(cls, pool: Pool, label: int, plan: Plan, seed: int) -> _Chosen:
        draw = random_numbers(seed, Stream.PATCH_SCREEN, label)
        foreign = np.flatnonzero(pool.predictions != label)
        foreign = draw.permutation(foreign if len(foreign) else len(pool.images)).astype(np.int32)
        return cls(
            np.resize(foreign, _FOR_GRADIENTS),
            np.resize(foreign[::-1], plan.judges),
            draw.choice(foreign, (plan.steps, plan.images)),
        )


def _wanted(classifier: Classifier, pool: Pool, labels: Labels, numbers: Numbers) -> Singles:
    """Return the value of each pixel that serves each class, 0 or 1, shape ``(k, h, w, c)``."""
    gradient = _compiled_gradient(classifier)

    def of(row: int) -> Singles:
        found = gradient(pool.images[numbers[row]], np.int32(labels[row])).numpy()
        sizes = np.abs(finite(found)).mean(axis=(1, 2, 3), keepdims=True)
        served: Singles = ((found / (sizes + _NOTHING)).mean(axis=0) > 0).astype(np.float32)
        return served

    return np.stack(side_by_side(of, range(len(labels))))


@kept
def _compiled_gradient(classifier: Classifier) -> Callable[..., Any]:
    """Return a function from images and a class to the gradient of the class's log probability on each."""
    import tensorflow as tf

    def ascend(images: Any, label: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            gain = tf.reduce_sum(tf.nn.log_softmax(classifier.logits(images))[:, label])
        return tape.gradient(gain, images)

    signature = tf.TensorSpec((None, *classifier.input_shape)), tf.TensorSpec((), tf.int32)
    return compiled(ascend, *signature)


def best_places(margins: NDArray[np.float64], count: int) -> list[list[int]]:
    """Return for each class the places that serve it best, by themselves and beside other places and classes in turn.

    Args:
        margins: Shape ``(places, k)``.
        count: So many places of each class, at most.
    """
    orders = (np.argsort(-table, axis=0, kind="stable").T for table in (margins, beside_means(margins)))
    return [
        _distinct(chain.from_iterable(zip(*pair, strict=True)), count) for pair in zip(*orders, strict=True)
    ]


def _distinct(places: Iterable[Any], count: int) -> list[int]:
    return list(dict.fromkeys(map(int, places)))[:count]
