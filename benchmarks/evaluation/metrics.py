"""How well an index tells backdoored networks from clean ones: area, rates at few false alarms, and their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.detectors.scoring.outliers import wilson_interval

Floats = NDArray[np.float64]

_DRAWS = 2000


def auc(clean: Floats, bad: Floats) -> float:
    """Return the area under the ROC curve: how often a backdoored network has the larger index, 0..1.

    Args:
        clean: Indices of clean networks, shape ``(n,)``, one at least.
        bad: Indices of backdoored networks, shape ``(m,)``, one at least.
    """
    return float(_wins(clean, bad).mean())


def auc_interval(clean: Floats, bad: Floats) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the area; both groups are drawn anew, each with its own size."""
    rng = np.random.default_rng(0)
    wins = _wins(clean, bad)
    # Drawing with replacement is counting how often each network was drawn.
    of_bad, of_clean = (rng.multinomial(n, np.full(n, 1 / n), size=_DRAWS) for n in wins.shape)
    areas = np.einsum("db,bc,dc->d", of_bad, wins, of_clean, optimize=True) / wins.size
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def _wins(clean: Floats, bad: Floats) -> Floats:
    """Return for each pair whether the backdoored network has the larger index, a tie being half; shape ``(m, n)``."""
    wins: Floats = (bad[:, None] > clean) + 0.5 * (bad[:, None] == clean)
    return wins


def limit_for(clean: Floats, share: float) -> float:
    """Return the smallest limit that at most this share of the clean networks exceeds; -inf for all of them.

    Args:
        clean: Indices of clean networks, shape ``(n,)``, one at least. With n < 1 / share no false alarm is allowed.
        share: 0..1.
    """
    allowed = int(share * len(clean) + 1e-9)
    return float(np.sort(clean)[-1 - allowed]) if allowed < len(clean) else -np.inf


def caught_at(clean: Floats, bad: Floats, share: float) -> int:
    """Return how many backdoored networks lie above the limit that this share of the clean ones exceeds at most."""
    return int((bad > limit_for(clean, share)).sum())


def roc(clean: Floats, bad: Floats) -> list[tuple[float, float]]:
    """Return the ROC curve as (false alarms, caught), both shares 0..1: one point per number of false alarms."""
    shares = np.arange(len(clean) + 1) / len(clean)
    return [(float(share), caught_at(clean, bad, share) / len(bad)) for share in shares]


def rate(hits: int, count: int) -> str:
    """Return hits of count with Wilson's 95 % interval, in words for a table."""
    if not count:
        return "-"
    low, high = wilson_interval(hits, count)
    return f"{hits}/{count} ({100 * low:.0f}-{100 * high:.0f} %)"


def area(clean: Floats, bad: Floats) -> str:
    """Return the area with its interval, in words for a table."""
    if not len(clean) or not len(bad):
        return "-"
    low, high = auc_interval(clean, bad)
    return f"{auc(clean, bad):.2f} ({low:.2f}-{high:.2f})"
