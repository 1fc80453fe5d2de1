"""Do the members of a class fall in two? Splits, and how far the halves are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.detectors.shared.constants import real
from gate.models.numerics.arrays import Floats

_LEAST_SHARE = real("training-set.two-means.least-share")
# Log of between / within for the best split of one bell-shaped cloud: the variance between halves is 2 / pi.
BELL = float(np.log((2 / np.pi) / (1 - 2 / np.pi)))


@dataclass(frozen=True, slots=True)
class Cut:
    """The best split of numbers in two.

    Attributes:
        threshold: Numbers above it are in the upper group.
        separation: Log of the variance between the groups over that within them; `BELL` for one bell-shaped cloud.
    """

    threshold: float
    separation: float


def best_cut(values: Floats) -> Cut:
    """Return the split of numbers with the largest variance between its halves.

    Args:
        values: Shape ``(n,)``, n >= 2.

    Paper: Otsu, A threshold selection method from gray-level histograms, 1979.
    """
    ordered = np.sort(values)
    count, variance = len(ordered), float(ordered.var())
    if not variance > 0:
        return Cut(float(ordered[-1]), BELL)
    below = np.arange(1, count)
    sums = np.cumsum(ordered)[:-1]
    gap = (ordered.sum() - sums) / (count - below) - sums / below
    between = below * (count - below) / count**2 * gap**2
    fewest = max(1, int(_LEAST_SHARE * count))
    best = fewest - 1 + int(np.argmax(between[fewest - 1 : count - fewest]))
    share = float(np.clip(between[best] / variance, 1e-6, 1 - 1e-6))
    return Cut(float(ordered[best] + ordered[best + 1]) / 2, float(np.log(share / (1 - share))))


def principal(points: Floats, components: int) -> tuple[Floats, Floats, Floats]:
    """Return (coordinates, directions, variances) of the leading principal components.

    Args:
        points: Shape ``(n, d)``.
        components: How many to keep at most; fewer if the points span fewer.

    Returns:
        Shapes ``(n, r)``, ``(d, r)`` and ``(r,)``, r >= 1, the widest first.
    """
    centred = points - points.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(points))
    kept = int(np.clip((variances > 1e-9 * max(float(variances[-1]), 1e-12)).sum(), 1, components))
    directions = directions[:, ::-1][:, :kept]
    # An eigenvector's sign is arbitrary; the same points shall give the same picture everywhere.
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(kept)])
    return centred @ directions, directions, np.maximum(variances[::-1][:kept], 0.0)
