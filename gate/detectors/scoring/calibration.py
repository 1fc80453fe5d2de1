"""From a raw statistic to the one scale: the limit is what at most 1 % of clean models exceed, for their number of classes.

The numbers are rounded on purpose: the sample is too small for more digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.detectors.scoring.outliers import (
    MAD_SCALE,
    beside_means,
    clean_limit,
    log_gap,
    shrunk_spread,
    spread_below,
)
from gate.detectors.shared.constants import integers, real, reals, record, several


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much the classes of clean networks differ in the size of their triggers.

    Attributes:
        spread: Of the log sizes.
        weight: How many classes that knowledge is worth.
        largest: A network whose classes differ more than this would hide any trigger among them.
        of_few: How many times as far the leading class of few lies from the others; of more it is once.
    """

    spread: float
    weight: float
    largest: float
    of_few: float = 1.0


PATCH_SCALE = Scale(**record("scoring.calibration.patch-scale"))
LOCAL_SCALE = Scale(**record("scoring.calibration.local-scale"))
PERTURBATION_SCALE = Scale(**record("scoring.calibration.perturbation-scale"))
MARGIN_SCALE = Scale(**record("scoring.calibration.margin-scale"))
HEAD_SCALE = Scale(**record("scoring.calibration.head-scale"))
PLACE_SCALE = Scale(**record("scoring.calibration.place-scale"))
MEAN_PLACE_SCALE = Scale(**record("scoring.calibration.mean-place-scale"))
_HEAVIER_TAILS, _USUAL_LEAD = reals("scoring.calibration", "heavier-tails", "usual-lead")
_LEAD_OF_FEW_OR_MANY, _ANOTHER_LEADS = reals("scoring.calibration", "lead-of-few-or-many", "another-leads")
ENOUGH, _EXCESS_OF_CLEAN = reals("scoring.calibration", "enough", "excess-of-clean")
_EXCESS_ON_REAL_IMAGES = real("scoring.calibration.excess-on-real-images")
_EXCESS_OF_A_SHIFT, _USUAL_THIRD = reals("scoring.calibration", "excess-of-a-shift", "usual-third")
_TARGETS_AT_MOST, _WEIGHT_OF_THIRD = reals("scoring.calibration", "targets-at-most", "weight-of-third")
_MOST_DOUBT, _BOUND_TO_ITS_PLACE = reals("scoring.calibration", "most-doubt", "bound-to-its-place")
_PER_SUCCESS, _AT_HOME_ANYWHERE = reals("scoring.calibration", "per-success", "at-home-anywhere")
_LEAST_INFLUENCE = real("scoring.calibration.least-influence")
_FEWEST, FEW, _MANY = integers("scoring.calibration", "fewest", "few", "many")
_FEWEST_OF_A_SHIFT, _THIRD = integers("scoring.calibration", "fewest-of-a-shift", "third")
DECOYS_OF_A_PLACE = several("scoring.calibration.decoys-of-a-place")
BESIDE_A_PLACE = several("scoring.calibration.beside-a-place")
_DECOYS_OF_A_PATCH = several("scoring.calibration.decoys-of-a-patch")
_AT_OTHER_PLACES = several("scoring.calibration.at-other-places")


def index_of_gap(gap: float, spread: float, num_classes: int, scale: Scale) -> float:
    """Return `min(L g / (c(k) s u(k) f(k)), M)`, the anomaly index of a leading class; L the limit, M the largest index.

    `c` is the clean limit, `s` the shrunk spread, `u = sqrt(1 + pi / (2 (k - 1)))` and `f` what few classes ask for.

    Args:
        gap: Log ratio of the median norm to the leader's, see `log_gap`.
        spread: Spread of the other classes' log norms, see `spread_below`.
        num_classes: Number of classes compared, >= 2.
        scale: What is usual for clean networks.

    Returns:
        0 or more; 0 if the leader is no smaller than the median.
    """
    shrunk = shrunk_spread(min(spread, scale.largest), num_classes / 2, scale.spread, scale.weight)
    # The median of k - 1 classes is itself uncertain; that matters for few classes only.
    uncertain = math.sqrt(1.0 + math.pi / 2 / max(num_classes - 1, 1))
    usual = clean_limit(num_classes) * shrunk * uncertain * _of_few(num_classes, scale.of_few)
    return min(max(LIMIT * gap / usual, 0.0), LARGEST_INDEX)


def _of_few(num_classes: int, most: float) -> float:
    """Return by what the usual distance is multiplied: `most` for the fewest classes, less for more, 1 where they are no longer few."""
    return most + (1.0 - most) * _share_between(num_classes, _FEWEST, FEW)


def class_indices(sizes: NDArray[np.float64], scale: Scale, of: int | None = None) -> NDArray[np.float64]:
    """Return `index_of_gap(log_gap(sizes, i))` for each class i: how far its size lies below those of the others.

    Args:
        sizes: Of what each class needs, shape ``(k,)``; infinite where nothing was found.
        scale: What is usual for clean networks.
        of: Number of classes that the smallest was chosen from, if there were more than k.

    Returns:
        Shape ``(k,)``, each 0 or more; 0 where nothing was found.
    """
    # One spread for all: that of the classes beside the smallest, which a backdoor must not widen.
    spread = spread_below(sizes, int(np.argmin(sizes)))
    count = of or len(sizes)
    return np.array([
        index_of_gap(log_gap(sizes, i), spread, count, scale) if np.isfinite(size) else 0.0
        for i, size in enumerate(sizes)
    ])  # fmt: skip


def standing_out(indices: NDArray[np.float64], num_classes: int) -> float:
    """Return `max(0, a_1 - w max(0, a_r - u))`: the index of the leading class, less what is unusual in the r-th largest.

    A backdoor has one target, seldom two. Where three classes are easy to reach the network has learnt little. Of many classes
    three are few: there it is a class further behind that counts, so that a few targets do not hide each other.

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
    return max(0.0, ordered[0] - _WEIGHT_OF_THIRD * max(0.0, honest - _USUAL_THIRD))


def beside_decoys(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return `min(a, max(a) (1 - d t(s)))`: lowered if other classes' triggers do well at the leader's size.

    A backdoor's target is reached by a trigger with which no other class can be reached. Where one often can be, the
    leader is the first of several by chance.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the decoys, 0..1, see `confirmation.confirm`.
    """
    return _doubted(indices, _share_between(success, *_DECOYS_OF_A_PATCH))


def beside_its_place(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return `a max(b - p s, m)`: raised if the leader's patch does nothing a little beside its place, lowered if it does well.

    A planted patch has its place, and what is recovered of it is as small as it can be there: moved, it does nothing. A feature of a
    class, which a clean network takes for the class wherever it is, does not mind a few pixels.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the moved patch, 0..1, see `confirmation.confirm`.
    """
    return indices * max(_BOUND_TO_ITS_PLACE - _PER_SUCCESS * success, _AT_HOME_ANYWHERE)


def at_other_places(indices: NDArray[np.float64], success: float) -> NDArray[np.float64]:
    """Return `min(a, max(a) (1 - d t(s)))`: lowered if the leader's patch, searched over the whole picture, does well beside its place.

    Such a search does not come down to what was planted there, so that planted patches, too, may work a little beside their
    place; and what fails there says nothing for a backdoor.

    Args:
        indices: Of each class, shape ``(k,)``.
        success: Of the moved patch, 0..1, see `confirmation.confirm`.
    """
    return _doubted(indices, _share_between(success, *_AT_OTHER_PLACES))


def _doubted(indices: NDArray[np.float64], doubt: float) -> NDArray[np.float64]:
    lowered: NDArray[np.float64] = np.minimum(indices, indices.max() * (1.0 - _MOST_DOUBT * doubt))
    return lowered


def interaction_indices(tables: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return `L mean_t(z_t) / (c(n) h s)` of each place for each class: what both have with each other alone.

    The limit is what the largest of so many normal values seldom exceeds, the tails of clean networks being a little heavier.

    Args:
        tables: Influences, 0 or more, each of shape ``(places, k)``; those that are 0 throughout do not count.

    Returns:
        Of the same shape, negative for less than usual; all 0 if nothing has any influence.
    """
    # A map that nobody reads must not thin out what the others tell.
    read = [each for each in tables if each.any()] or tables
    mean = np.mean([_interaction(each) for each in read], axis=0)
    spread = _HEAVIER_TAILS * _shrunk(mean, MEAN_PLACE_SCALE)
    indices: NDArray[np.float64] = LIMIT * mean / (clean_limit(mean.size) * spread)
    return np.minimum(indices, LARGEST_INDEX)


def _interaction(influences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `z = (log x - row mean - column mean + mean) / s`, in units of its own spread s."""
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
    """Return `min(L lead / u(k), M) (1 - t(decoys)) (1 - t(moved))` of the class that one place serves best, 0 or more.

    What another class's patch of that size does as well, or what works beside its place, no planted patch is.

    Args:
        lead: See `location_lead`.
        num_classes: Number of classes compared.
        decoys: Success of other classes' patches at the size of this one's, 0..1.
        moved: Success of its patch a little beside its place, 0..1.
    """
    usual = _USUAL_LEAD if FEW <= num_classes < _MANY else _LEAD_OF_FEW_OR_MANY
    alone = 1.0 - _share_between(decoys, *DECOYS_OF_A_PLACE)
    bound = 1.0 - _share_between(moved, *BESIDE_A_PLACE)
    return min(LIMIT * lead / usual, LARGEST_INDEX) * alone * bound


def beside_another(indices: NDArray[np.float64], num_classes: int) -> NDArray[np.float64]:
    """Return `a w`: the indices by the sizes of patches, where it is another class that one place serves best.

    Args:
        indices: Of each class, shape ``(k,)``.
        num_classes: Of the network; of few the one that leads says little.
    """
    return indices if num_classes < FEW else indices * _ANOTHER_LEADS


def _share_between(value: float, low: float, high: float) -> float:
    """Return `t = clip((value - low) / (high - low), 0, 1)`."""
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
    """Return the anomaly index of a permutation of the classes, 0 or more.

    Args:
        excess: Agreement beyond what sending everything to one class gives, 0..1.
        is_on_real_images: Whether it was measured on the user's images: a slight change of a real image makes it one of the class beside it.
        is_regular: Whether the permutation is a shift, see `is_shift`.
    """
    usual = _EXCESS_ON_REAL_IMAGES if is_on_real_images else _EXCESS_OF_CLEAN
    usual = _EXCESS_OF_A_SHIFT if is_regular else usual
    return min(LIMIT * excess / usual, LARGEST_INDEX)
