"""From a raw statistic to the one scale: 2.0 is what at most 1 % of clean models exceed, for their number of classes.

First calibration, on the public networks at hand (docs/detection.md has the list and the figures). The numbers are
rounded on purpose: the sample is too small for more digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.detectors.scoring.outliers import (
    MAD_SCALE,
    beside_means,
    clean_limit,
    log_gap,
    shrunk_spread,
    spread_below,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much the classes of clean networks differ in the size of their triggers.

    Attributes:
        spread: Of the log sizes.
        weight: How many classes that knowledge is worth.
        largest: A network whose classes differ more than this would hide any trigger among them.
        of_few: How many times as far the leading class of five or fewer lies from the others; from ten on it is once.
    """

    spread: float
    weight: float
    largest: float
    of_few: float = 1.0


PATCH_SCALE = Scale(spread=0.6, weight=20.0, largest=0.8)
# Of patches within a window, which caps what the classes can differ by.
LOCAL_SCALE = Scale(spread=0.52, weight=20.0, largest=0.8)
# Of 49 clean networks with five classes or fewer three exceeded 2.0 with the distance of many classes (3.2, 2.5, 2.1), of 64 with more
# none came to 1.9; no backdoor that works is missed for it (ADR 31).
PERTURBATION_SCALE = Scale(spread=0.28, weight=20.0, largest=0.4, of_few=1.4)
MARGIN_SCALE = Scale(spread=0.5, weight=20.0, largest=0.8)
# Of the classes' ties to single neurons. What a network shows itself counts little: its classes agree too well.
HEAD_SCALE = Scale(spread=0.16, weight=1000.0, largest=0.3)
# Of what places and classes have with each other alone, and of its mean over maps; the weights are in cells of the table of both.
PLACE_SCALE = Scale(spread=0.3, weight=100.0, largest=0.8)
MEAN_PLACE_SCALE = Scale(spread=0.6, weight=50.0, largest=2.0)
_HEAVIER_TAILS = 1.2
# A class that owes more to one place than this is unusual. A few classes are a poor measure of each other, and among many there is
# one with a mark at a place of its own by nature: the arrow of a traffic sign. The first holds for the smaller of two leads (ADR 29).
_USUAL_LEAD, _LEAD_OF_FEW_OR_MANY = 1.2, 2.4
_FEWEST, FEW, _MANY = 5, 10, 25
# Between these the success of decoys, and of the class's patch beside its place, takes the weight of its lead away.
_DECOYS_OF_A_PLACE, _BESIDE_A_PLACE = (0.25, 0.5), (0.4, 0.6)
# What is left of the index of the smallest patch where another class leads.
_ANOTHER_LEADS = 0.8

# A smaller share of classes that were reached says too little about what is usual.
ENOUGH = 0.6

# Clean networks' classes agree with a permutation less than this; on real images, each of which has its neighbours, less than the second.
_EXCESS_OF_CLEAN, _EXCESS_ON_REAL_IMAGES = 0.3, 0.5
# Every class to the one that lies so many further: from seven classes on that is no accident (6 of 1,854 permutations without a fixed point).
_EXCESS_OF_A_SHIFT, _FEWEST_OF_A_SHIFT = 0.1, 7

# The third largest index of four in five clean networks with ten classes is smaller.
_USUAL_THIRD = 0.6
_THIRD, _TARGETS_AT_MOST = 3, 0.15
# Success of other classes' triggers at the leader's size: less than the first says nothing, more than the second no more. Chosen on
# the zoo and on public networks: of eight targets with a patch index of 1 to 2 seven stay below the first, of eleven clean leaders three.
_DECOYS_OF_A_PATCH, _MOST_DOUBT = (0.25, 0.5), 0.25
# Success of the leader's own patch beside its place, where the search was free to leave it.
_AT_OTHER_PLACES = 0.5, 0.65
# By how much a local patch's index is multiplied if it does nothing beside its place, less this times its success there, and at least.
# Of 46 leaders with 1 or more, planted are 12 of 14 that reach 25 % there or less, 8 of 11 up to 40 %, and 11 of 21 above.
_BOUND_TO_ITS_PLACE, _PER_SUCCESS, _AT_HOME_ANYWHERE = 1.35, 1.3, 0.5
# A logarithm needs a floor: what has less than this share of the mean influence has none. Trained networks hardly notice.
_LEAST_INFLUENCE = 0.3
_LIMIT = 2.0
_LARGEST_INDEX = 99.0


def index_of_gap(gap: float, spread: float, num_classes: int, scale: Scale) -> float:
    """Return the anomaly index of a leading class.

    Args:
        gap: Log ratio of the median norm to the leader's, see `_stats.log_gap`.
        spread: Spread of the other classes' log norms, see `_stats.spread_below`.
        num_classes: Number of classes compared, >= 2.
        scale: What is usual for clean networks.

    Returns:
        0..99; 0 if the leader is no smaller than the median.
    """
    shrunk = shrunk_spread(min(spread, scale.largest), num_classes / 2, scale.spread, scale.weight)
    # The median of k - 1 classes is itself uncertain; that matters for few classes only.
    uncertain = math.sqrt(1.0 + math.pi / 2 / max(num_classes - 1, 1))
    usual = clean_limit(num_classes) * shrunk * uncertain * _of_few(num_classes, scale.of_few)
    return min(max(_LIMIT * gap / usual, 0.0), _LARGEST_INDEX)


def _of_few(num_classes: int, most: float) -> float:
    """Return by what the usual distance is multiplied: `most` for five classes or fewer, less for more, 1 from ten on."""
    return most + (1.0 - most) * _share_between(num_classes, _FEWEST, FEW)


def class_indices(sizes: NDArray[np.float64], scale: Scale, of: int | None = None) -> NDArray[np.float64]:
    """Return the anomaly index of each class: how far its size lies below those of the others.

    Args:
        sizes: Of what each class needs, shape ``(k,)``; infinite where nothing was found.
        scale: What is usual for clean networks.
        of: Number of classes that the smallest was chosen from, if there were more than k.

    Returns:
        Shape ``(k,)``, each 0..99; 0 where nothing was found.
    """
    # One spread for all: that of the classes beside the smallest, which a backdoor must not widen.
    spread = spread_below(sizes, int(np.argmin(sizes)))
    count = of or len(sizes)
    return np.array([
        index_of_gap(log_gap(sizes, i), spread, count, scale) if np.isfinite(size) else 0.0
        for i, size in enumerate(sizes)
    ])  # fmt: skip


def standing_out(indices: NDArray[np.float64], num_classes: int) -> float:
    """Return the anomaly index of a network: that of its leading class, less twice what is unusual in the third.

    A backdoor has one target, seldom two. Where three classes are easy to reach the network has learnt little. Of many classes
    three are few: of more than twenty it is the class behind the first 15 % that counts, so that a few targets do not hide each other.

    Args:
        indices: Of each class searched, shape ``(k,)``.
        num_classes: Of the network, k or more.

    Raises:
        ValueError: An index is no number.
    """
    if not np.isfinite(indices).all():
        raise ValueError(f"expected the indices of {len(indices)} classes, received some that are no numbers")
    ordered = sorted(map(float, indices), reverse=True)
    # Of thousands only some are searched, and half of them because they are suspicious.
    rank = max(_THIRD, min(math.ceil(_TARGETS_AT_MOST * num_classes), len(ordered) // 2))
    honest = ordered[rank - 1] if rank <= len(ordered) else 0.0
    return max(0.0, ordered[0] - 2.0 * max(0.0, honest - _USUAL_THIRD))


def beside_decoys(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return the indices of the classes, lowered if other classes' triggers do well at the leader's size.

    A backdoor's target is reached by a trigger with which no other class can be reached. Where one can be in half of the
    cases, the leader is the first of several by chance; then no class keeps more than three quarters of the leader's index.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the decoys, 0..1, see `_confirmation.confirm`.

    Returns:
        Shape ``(k,)``.
    """
    return _doubted(indices, _share_between(success, *_DECOYS_OF_A_PATCH))


def beside_its_place(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return the indices of the classes in view of how the leader's patch does a little beside its place.

    A planted patch has its place, and what is recovered of it is as small as it can be there: moved, it does nothing. A feature of a
    class, which a clean network takes for the class wherever it is, does not mind two or three pixels.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the moved patch, 0..1, see `_confirmation.confirm`.

    Returns:
        Shape ``(k,)``: 1.35 times what they were if it does nothing, half of it from 65 % on, the same at 27 %.
    """
    return indices * max(_BOUND_TO_ITS_PLACE - _PER_SUCCESS * success, _AT_HOME_ANYWHERE)


def at_other_places(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return the indices of the classes, lowered if the leader's patch, searched over the whole picture, does well beside its place.

    Such a search does not come down to what was planted there, so that planted patches, too, may work a little beside their
    place; and what fails there says nothing for a backdoor.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the moved patch, 0..1, see `_confirmation.confirm`.

    Returns:
        Shape ``(k,)``; no class keeps more than three quarters of the leader's index from 65 % on.
    """
    return _doubted(indices, _share_between(success, *_AT_OTHER_PLACES))


def _doubted(indices: NDArray[np.float64], doubt: float) -> NDArray[np.float64]:
    lowered: NDArray[np.float64] = np.minimum(indices, indices.max() * (1.0 - _MOST_DOUBT * doubt))
    return lowered


def interaction_indices(tables: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the anomaly index of each place for each class: what both have with each other alone, mean over the tables.

    2.0 is what the largest of so many normal values exceeds in 1 % of all cases, the tails of clean networks being a little heavier.

    Args:
        tables: Influences, 0 or more, each of shape ``(places, k)``; those that are 0 throughout do not count.

    Returns:
        Of the same shape, negative for less than usual; all 0 if nothing has any influence.
    """
    # A map that nobody reads must not thin out what the others tell.
    read = [each for each in tables if each.any()] or tables
    mean = np.mean([_interaction(each) for each in read], axis=0)
    spread = _HEAVIER_TAILS * _shrunk(mean, MEAN_PLACE_SCALE)
    indices: NDArray[np.float64] = _LIMIT * mean / (clean_limit(mean.size) * spread)
    return np.minimum(indices, _LARGEST_INDEX)


def _interaction(influences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms less the means of places and classes, in units of their own spread."""
    usual = float(influences.mean())
    if usual <= 0.0:
        return np.zeros_like(influences)
    logs = np.log(np.maximum(influences, _LEAST_INFLUENCE * usual))
    left = beside_means(logs)
    scaled: NDArray[np.float64] = left / _shrunk(left, PLACE_SCALE)
    return scaled


def _shrunk(values: NDArray[np.float64], scale: Scale) -> float:
    spread = min(float(MAD_SCALE * np.median(np.abs(values))), scale.largest)
    return shrunk_spread(spread, values.size, scale.spread, scale.weight)


def index_of_place_lead(lead: float, num_classes: int, decoys: float = 0.0, moved: float = 0.0) -> float:
    """Return the anomaly index of a class that one place serves better than any place serves the others, 0..99.

    From one seed to the next a clean network's lead may be thrice as large. But what another class's patch of that size does as well,
    or what works beside its place, no planted patch is.

    Args:
        lead: See `_stats.place_lead`.
        num_classes: Number of classes compared.
        decoys: Success of other classes' patches at the size of this one's, 0..1.
        moved: Success of its patch a little beside its place, 0..1.
    """
    usual = _USUAL_LEAD if FEW <= num_classes < _MANY else _LEAD_OF_FEW_OR_MANY
    alone = 1.0 - _share_between(decoys, *_DECOYS_OF_A_PLACE)
    bound = 1.0 - _share_between(moved, *_BESIDE_A_PLACE)
    return min(_LIMIT * lead / usual, _LARGEST_INDEX) * alone * bound


def beside_another(indices: NDArray[np.float64], num_classes: int) -> NDArray[np.float64]:
    """Return the indices of the classes by their patches' sizes, where it is another class that one place serves best.

    Args:
        indices: Of each class, shape ``(k,)``.
        num_classes: Of the network; of few the one that leads says little.
    """
    return indices if num_classes < FEW else indices * _ANOTHER_LEADS


def _share_between(value: float, low: float, high: float) -> float:
    """Return how far a value is on the way from low to high, 0..1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def is_shift(destinations: NDArray[np.int64]) -> bool:
    """Return whether every class goes to the one that lies as many further, round and round, and that is no accident.

    It is what all-to-all attacks do. Paper: Gu et al., BadNets, 2017.

    Args:
        destinations: Where each class goes, shape ``(k,)``.
    """
    classes = len(destinations)
    steps = np.unique((destinations - np.arange(classes)) % classes)
    return classes >= _FEWEST_OF_A_SHIFT and len(steps) == 1


def index_of_excess(excess: float, *, is_on_real_images: bool = False, is_regular: bool = False) -> float:
    """Return the anomaly index of a permutation of the classes, 0..99.

    Args:
        excess: Agreement beyond what sending everything to one class gives, 0..1.
        is_on_real_images: Whether it was measured on the user's images: a slight change of a real image makes it one of the class beside it.
        is_regular: Whether the permutation is a shift, see `is_shift`.
    """
    usual = _EXCESS_ON_REAL_IMAGES if is_on_real_images else _EXCESS_OF_CLEAN
    usual = _EXCESS_OF_A_SHIFT if is_regular else usual
    return min(_LIMIT * excess / usual, _LARGEST_INDEX)
