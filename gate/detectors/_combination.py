"""All evidence of one model together: what the detectors say of each class adds up.

A class of a clean network may lead by chance on one scale; it seldom does so on several that look at different things
(size of a patch, strength of a perturbation, width of a margin, ties to single neurons).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gate.core.evidence import Evidence, Measurement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMIT = 2.0
# The fitted numbers; `python -m benchmarks.zoo.fit` makes the file.
TABLE = Path(__file__).with_name("_score.json")
# These ask the same question, which class is too easy to reach, in different ways. The others count by themselves.
_ADD_UP = frozenset({"neural-cleanse", "universal-perturbation", "maximum-margin", "head-weights"})

_CLASS_INDEX = "class_index"


def class_measurements(labels: NDArray[np.int64], indices: NDArray[np.float64]) -> tuple[Measurement, ...]:
    """Return the anomaly index of each class that has any, as `largest_sum` adds them up."""
    return tuple(
        Measurement(name=_CLASS_INDEX, value=float(index), label=int(label))
        for label, index in zip(labels, indices, strict=True)
        if index > 0
    )


def fitted() -> dict[str, float]:
    """Return the fitted numbers: `sum_of_clean`, `steepness`, their `version` and of how many `networks` they are."""
    table: dict[str, float] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def largest_sum(evidence: Iterable[Evidence]) -> tuple[float, int | None]:
    """Return the largest sum of the indices of one class, and that class; (0, None) without any."""
    sums: dict[int, float] = defaultdict(float)
    for item in evidence:
        for each in item.measurements:
            if item.detector in _ADD_UP and each.name == _CLASS_INDEX and each.label is not None:
                sums[each.label] += each.value
    label = max(sums, key=lambda each: sums[each], default=None)
    return (0.0, None) if label is None else (sums[label], label)


def combined(evidence: Iterable[Evidence], sum_of_clean: float | None = None) -> tuple[float, int | None]:
    """Return the anomaly index of all evidence together, and the class that it points at.

    Evidence that was skipped adds nothing. What asks another question (a permutation, the training set) counts by itself.

    Args:
        evidence: Of one model.
        sum_of_clean: Sum that 1 % of clean models exceed; the fitted one if None.

    Returns:
        The index, 0 or more, on the one scale: at most 1 % of clean models exceed 2.0. The class, None if there is none.
    """
    measured = [item for item in evidence if item.anomaly_index is not None]
    total, label = largest_sum(measured)
    together = LIMIT * total / (sum_of_clean or fitted()["sum_of_clean"])
    loudest = max(measured, key=lambda item: item.anomaly_index or 0.0, default=None)
    if loudest is None or together >= (loudest.anomaly_index or 0.0):
        return together, label
    return loudest.anomaly_index or 0.0, next(iter(loudest.target_labels), None)


def score(evidence: Iterable[Evidence]) -> float | None:
    """Return the probability of a backdoor, 0..1, from all evidence together; None if nothing was measured."""
    measured = [item for item in evidence if item.anomaly_index is not None]
    if not measured:
        return None
    return 1.0 / (1.0 + math.exp(-fitted()["steepness"] * (combined(measured)[0] - LIMIT)))
