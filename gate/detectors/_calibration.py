"""From a raw statistic to the one scale: 2.0 is what at most 1 % of clean models exceed, for their number of classes.

First calibration, on the public networks at hand (docs/detection.md has the list and the figures). The numbers are
rounded on purpose: the sample is too small for more digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from gate.core.evidence import Evidence
from gate.detectors._stats import clean_limit, shrunk_spread

# Spread of the log norms of clean networks' classes, and how many classes that knowledge is worth.
_PRIOR_SPREAD, _PRIOR_WEIGHT = 0.6, 20.0
# A network whose classes differ more than this would hide any trigger among them.
_LARGEST_SPREAD = 0.8
_LIMIT = 2.0
# Steepness of the probability around the limit: 0.08 at index 1, 0.5 at 2, 0.92 at 3.
_STEEPNESS = 2.5
_LARGEST_INDEX = 99.0


def index_of_gap(gap: float, spread: float, num_classes: int) -> float:
    """Return the anomaly index of a leading class.

    Args:
        gap: Log ratio of the median norm to the leader's, see `_stats.log_gap`.
        spread: Spread of the other classes' log norms, see `_stats.spread_below`.
        num_classes: Number of classes compared, >= 2.

    Returns:
        0..99; 0 if the leader is no smaller than the median.
    """
    shrunk = shrunk_spread(min(spread, _LARGEST_SPREAD), num_classes / 2, _PRIOR_SPREAD, _PRIOR_WEIGHT)
    # The median of k - 1 classes is itself uncertain; that matters for few classes only.
    uncertain = math.sqrt(1.0 + math.pi / 2 / max(num_classes - 1, 1))
    index = _LIMIT * gap / (clean_limit(num_classes) * shrunk * uncertain)
    return min(max(index, 0.0), _LARGEST_INDEX)


def score(evidence: Iterable[Evidence]) -> float | None:
    """Return the probability of a backdoor, 0..1, from the largest index; None if nothing was measured."""
    indices = [item.anomaly_index for item in evidence if item.anomaly_index is not None]
    if not indices:
        return None
    return 1.0 / (1.0 + math.exp(-_STEEPNESS * (max(indices) - _LIMIT)))
