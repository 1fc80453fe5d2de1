"""From one number per class to an index per class: how far is each beyond what its peers reach?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.detectors.scoring.outliers import MAD_SCALE, clean_limit, shrunk_spread
from gate.models.numerics.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerScale:
    """What is known of a statistic on clean data sets.

    Attributes:
        spread: Standard deviation between the classes of a clean set.
        weight: How many classes that knowledge is worth.
        least: Excess over the other classes' median that is never suspicious.
    """

    spread: float
    weight: float
    least: float


def peer_indices(values: Floats, scale: PeerScale) -> Floats:
    """Return each class's index: at the limit where the largest of all classes ends in nearly all clean sets.

    The limit lies above the median of the other classes by as many spreads as the number of classes asks for; the
    spread is theirs, shrunk toward that of clean sets, because few classes say little about it.

    Args:
        values: The statistic of each class, shape ``(k,)``, k >= 2; larger is more suspicious.
        scale: What is known of it.

    Returns:
        0 or more, shape ``(k,)``.
    """
    indices = []
    for position, value in enumerate(values):
        others = np.delete(values, position)
        median = float(np.median(others))
        spread = MAD_SCALE * float(np.median(np.abs(others - median)))
        shrunk = shrunk_spread(spread, len(others), scale.spread, scale.weight)
        limit = max(scale.least, clean_limit(len(values)) * shrunk)
        indices.append(float(np.clip(LIMIT * (value - median) / limit, 0.0, LARGEST_INDEX)))
    return np.array(indices)
