"""All evidence of one model together: what the detectors say of each class adds up.

A class of a clean network may lead by chance on one scale; it seldom does so on several that look at different things
(size of a patch, strength of a perturbation, width of a margin, ties to single neurons). And where a network learnt little
several classes are easy to reach at once, while a backdoor's target stands alone: what counts is the lead over the runner-up.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING

from gate.core.evidence import CLASS_INDEX, Evidence, Measurement
from gate.core.scale import LIMIT
from gate.detectors import adding_up
from gate.detectors.shared.constants import integer, real

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The fitted numbers; `python -m benchmarks calibrate score` makes the file.
TABLE = Path(__file__).with_name("score.json")
WORTH_A_LONG_SEARCH = real("scoring.combination.worth-a-long-search")
MOST, FEW = real("scoring.combination.most"), integer("scoring.combination.few")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What all evidence says together.

    Attributes:
        index: Anomaly index, 0 or more.
        label: Class that it points at; None if there is none.
        score: Probability of a backdoor, 0..1.
    """

    index: float
    label: int | None
    score: float


def class_measurements(labels: NDArray[np.int64], indices: NDArray[np.float64]) -> tuple[Measurement, ...]:
    """Return the anomaly index of each class that has any, as `lead` adds them up."""
    return tuple(
        Measurement(name=CLASS_INDEX, value=float(index), label=int(label))
        for label, index in zip(labels, indices, strict=True)
        if index > 0
    )


def fitted() -> dict[str, float]:
    """Return the fitted numbers, their `version` and of how many `networks` they are.

    `lead_of_clean` is the lead that at most 1 % of clean networks exceed, `lead_of_few` that of networks with few classes,
    `steepness` that of the score at the limit.
    """
    table: dict[str, float] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def lead(evidence: Iterable[Evidence]) -> tuple[float, int | None]:
    """Return by how much the class with the largest sum of indices leads, and that class; (0, None) without any."""
    sums: dict[int, float] = defaultdict(float)
    for item in evidence:
        if item.detector in adding_up():
            for label, index in item.class_indices.items():
                sums[label] += min(index, MOST)
    if not sums:
        return 0.0, None
    label = max(sums, key=lambda each: sums[each])
    first, second = (*nlargest(2, sums.values()), 0.0)[:2]
    return first - second, label


def added_up(evidence: Iterable[Evidence], table: Mapping[str, float]) -> tuple[float, int | None]:
    """Return the anomaly index of what the detectors add up to, and the class that it points at; arguments as those of `combined`."""
    measured = [item for item in evidence if item.anomaly_index is not None]
    ahead, label = lead(measured)
    return LIMIT * ahead / table["lead_of_few" if _has_few(measured) else "lead_of_clean"], label


def combined(
    evidence: Iterable[Evidence], table: Mapping[str, float] | None = None
) -> tuple[float, int | None]:
    """Return the anomaly index of all evidence together, and the class that it points at.

    Evidence that was skipped adds nothing. What asks another question (a permutation, the training set) counts by itself.

    Args:
        evidence: Of one model.
        table: What `fitted` returns, or other numbers.

    Returns:
        The index, 0 or more, on the one scale: at most 1 % of clean models exceed its limit. The class, None if there is none.
    """
    table = table or fitted()
    measured = [item for item in evidence if item.anomaly_index is not None]
    together, label = added_up(measured, table)
    loudest = max(measured, key=lambda item: item.anomaly_index or 0.0, default=None)
    if loudest is None or together >= (loudest.anomaly_index or 0.0):
        return together, label
    return loudest.anomaly_index or 0.0, next(iter(loudest.target_labels), None)


def _has_few(evidence: Iterable[Evidence]) -> bool:
    """Return whether the network has so few classes that hardly any but the leader can stand out."""
    searched = [item.classes_searched for item in evidence if item.classes_searched is not None]
    return bool(searched) and max(searched) <= FEW


def judged(evidence: Iterable[Evidence]) -> Joint | None:
    """Return what all evidence says together, by the fitted numbers; None if nothing was measured."""
    measured = [item for item in evidence if item.anomaly_index is not None]
    if not measured:
        return None
    table = fitted()
    index, label = combined(measured, table)
    return Joint(
        index=index, label=label, score=1.0 / (1.0 + math.exp(-table["steepness"] * (index - LIMIT)))
    )
