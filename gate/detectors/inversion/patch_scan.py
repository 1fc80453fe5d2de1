"""Where on the picture can a small patch send all images to a class? A few steps at every place, for all classes at once.

A search that begins with a mask over the whole picture seldom comes down to the few pixels of a planted trigger: the way there is
flat. Once the place is known, a few steps along the sign of the gradient find a pattern that does it.

Papers: Brown et al., Adversarial Patch, 2017, for patches that serve all images; Rao, Stutz & Schiele, Adversarial Training
against Location-Optimized Adversarial Patches, ECCVW 2020, for the search of the place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.detectors.inversion.local_patch import Spot
from gate.detectors.inversion.patch_steps import Numbers, visitor_of
from gate.detectors.inversion.search import chunks
from gate.detectors.shared.contract import FORWARD
from gate.models.numerics.arrays import Labels, Singles
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import Tally, side_by_side
from gate.models.numerics.streams import Stream, random_numbers
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How closely to look.

    Attributes:
        side: Of the window, in pixels.
        stride: From one window to the next, in pixels.
        steps: At every place.
        images: Per class and step.
        judges: Images per class that say how well a place serves.
    """

    side: int
    stride: int
    steps: int
    images: int
    judges: int

    def corners(self, height: int, width: int) -> NDArray[np.int32]:
        """Return the upper left pixels of all windows, shape ``(places, 2)``; the last of a row ends where the picture does."""
        rows, columns = (_offsets(length, self.side, self.stride) for length in (height, width))
        return np.array(list(product(rows, columns)), np.int32)

    def passes(self, shape: tuple[int, int, int], classes: int) -> float:
        """Return how many images go through the network there and back, to look at every place for each class."""
        places = len(self.corners(*shape[:2]))
        return places * classes * (self.steps * self.images + FORWARD * self.judges)


@dataclass(frozen=True, slots=True)
class PatchScan:
    """How well each place serves each class.

    Attributes:
        labels: The classes, shape ``(k,)``.
        corners: Upper left pixels of the places, shape ``(p, 2)``.
        margins: By how much a class leads the next one with a patch there, in logits, mean over images, shape ``(p, k)``.
        patterns: That were found there, shape ``(p, k, side, side, c)``, 0..1.
    """

    labels: Labels
    corners: NDArray[np.int32]
    margins: NDArray[np.float64]
    patterns: Singles

    def spots(self, label: int, count: int) -> tuple[Spot, ...]:
        """Return the places to search on for a class: where it does best, where it does best beside the others, and the next ones."""
        at = int(np.searchsorted(self.labels, label))
        order = list(np.argsort(-self.margins[:, at], kind="stable"))
        beside = int(np.argmax(_leads(self.margins)[:, at]))
        chosen = list(dict.fromkeys([order[0], beside, *order]))[:count]
        return tuple(self._spot(place, at) for place in chosen)

    def most_suspicious(self, count: int) -> Labels:
        """Return the classes that a patch serves best, ascending."""
        best = self.margins.max(axis=0)
        return np.sort(self.labels[np.argsort(-best, kind="stable")[:count]])

    def _spot(self, place: int, at: int) -> Spot:
        top, left = map(int, self.corners[place])
        return Spot(top, left, self.patterns[place, at])


def scan_patches(
    classifier: Classifier,
    pool: Pool,
    labels: Labels,
    plan: Plan,
    seed: int,
    progress: Callable[[int, int], None],
) -> PatchScan:
    """Try every place with every class.

    Args:
        classifier: The network.
        pool: Images to put patches on; those of a class do not count for it.
        labels: The classes, shape ``(k,)``, ascending.
        plan: How closely to look.
        seed: Of the images chosen. What is found for a class does not depend on the others.
        progress: Called with (places done, places in all).

    Raises:
        IncompleteError: The network's answers on the way are no numbers (rule BD004).
    """
    corners = plan.corners(*classifier.input_shape[:2])
    visitor = visitor_of(classifier, pool, plan.side)
    parts = chunks(labels, plan.images, classifier.input_shape)
    chosen = [_chosen(pool, part, plan, len(corners), seed) for part in parts]
    tally = Tally(progress, len(parts) * len(corners))

    def visited(visit: tuple[int, int]) -> tuple[Singles, Singles]:
        part, place = visit
        batches, judges = chosen[part]
        found = visitor.at(corners[place], parts[part], batches[:, place], judges)
        tally.step()
        return found

    found = side_by_side(visited, product(range(len(parts)), range(len(corners))))
    of_parts = [found[first : first + len(corners)] for first in range(0, len(found), len(corners))]
    margins, patterns = (
        finite(np.concatenate([np.stack([each[which] for each in part]) for part in of_parts], axis=1))
        for which in (0, 1)
    )
    return PatchScan(labels, corners, margins.astype(np.float64), patterns)


def _chosen(pool: Pool, labels: Labels, plan: Plan, places: int, seed: int) -> tuple[Numbers, Numbers]:
    """Return which images serve, shape ``(steps, places, k, images)``, and which judge, shape ``(k, judges)``: of other classes."""
    batches, judges = [], []
    for label in labels:
        draw = random_numbers(seed, Stream.PATCHES, int(label))
        foreign = np.flatnonzero(pool.predictions != label)
        foreign = draw.permutation(foreign if len(foreign) else len(pool.images))
        judges.append(np.resize(foreign, plan.judges))
        batches.append(draw.choice(foreign, (plan.steps, places, plan.images)))
    return np.stack(batches, axis=2).astype(np.int32), np.stack(judges).astype(np.int32)


def _leads(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each class leads the best other class at each place, shape ``(p, k)``; negative where it does not."""
    if margins.shape[1] < 2:
        return margins
    second, first = np.sort(margins, axis=1)[:, -2:].T
    leads: NDArray[np.float64] = margins - np.where(
        margins == first[:, None], second[:, None], first[:, None]
    )
    return leads


def _offsets(length: int, side: int, stride: int) -> list[int]:
    return [*range(0, length - side, stride), length - side]
