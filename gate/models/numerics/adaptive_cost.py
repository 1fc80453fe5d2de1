"""The weight of a trigger's size, adapted while it is searched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a cost follows: times `up` after `patience` steps in a row that worked, over `down` after as many that failed."""

    up: float
    down: float
    patience: int


class AdaptiveCost:
    """One cost for each of n searches.

    Args:
        first: Costs to begin with, shape ``(n,)``.
        pace: How fast they follow.

    Attributes:
        values: The costs now, shape ``(n,)``, of the type of the first ones.

    Paper: Wang et al., Neural Cleanse, IEEE S&P 2019, whose code adapts the cost so.
    """

    def __init__(self, first: NDArray[np.floating], pace: Pace) -> None:
        self.values, self._pace = first, pace
        self._good, self._bad = (np.zeros(len(first), np.int64) for _ in range(2))

    def of(self, chosen: NDArray[np.int64]) -> AdaptiveCost:
        """Return the costs of some searches only."""
        some = AdaptiveCost(self.values[chosen], self._pace)
        some._good, some._bad = self._good[chosen], self._bad[chosen]
        return some

    def update(self, works: NDArray[np.bool_]) -> None:
        """Count one step of every search."""
        self._good = np.where(works, self._good + 1, 0)
        self._bad = np.where(works, 0, self._bad + 1)
        up, down = self._good >= self._pace.patience, self._bad >= self._pace.patience
        self.values[up] *= self._pace.up
        self.values[down] /= self._pace.down
        self._good[up] = 0
        self._bad[down] = 0
