"""All evidence of one model together: detectors that point at the same class add up.

A clean network may lead by chance on one scale; it seldom does so for the same class on several that look at different
things (size of a patch, strength of a perturbation, width of a margin).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from gate.core.evidence import Evidence

_LIMIT = 2.0
# These ask the same question, which class is too easy to reach, in different ways. The others count by themselves.
_ADD_UP = frozenset({"neural-cleanse", "universal-perturbation", "maximum-margin"})
# Sum of the indices of one class that at most 1 % of clean networks exceed (benchmarks/zoo/fit.py).
_SUM_OF_CLEAN = 3.0
# Steepness of the probability around the limit (benchmarks/zoo/fit.py).
_STEEPNESS = 2.5


def combined(evidence: Iterable[Evidence]) -> tuple[float, int | None]:
    """Return the anomaly index of all evidence together, and the class that it points at.

    Evidence that was skipped adds nothing. What asks another question (a permutation, the training set) counts by itself.

    Args:
        evidence: Of one model.

    Returns:
        The index, 0 or more, on the one scale: at most 1 % of clean models exceed 2.0. The class, None if there is none.
    """
    sums: dict[int | None, float] = defaultdict(float)
    alone, alone_label = 0.0, None
    for item in evidence:
        index = item.anomaly_index or 0.0
        label = item.target_labels[0] if item.target_labels else None
        if label is not None and item.detector in _ADD_UP:
            sums[label] += index
        if index > alone:
            alone, alone_label = index, label
    label, total = max(sums.items(), key=lambda pair: pair[1], default=(None, 0.0))
    together = _LIMIT * total / _SUM_OF_CLEAN
    return (together, label) if together >= alone else (alone, alone_label)


def score(evidence: Iterable[Evidence]) -> float | None:
    """Return the probability of a backdoor, 0..1, from all evidence together; None if nothing was measured."""
    measured = [item for item in evidence if item.anomaly_index is not None]
    if not measured:
        return None
    return 1.0 / (1.0 + math.exp(-_STEEPNESS * (combined(measured)[0] - _LIMIT)))
