"""A patch that keeps within a small window of the picture, and where each search for one begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.detectors.inversion.triggers import Patch, Restart, Shape, Tuning, to_tanh_space
from gate.detectors.shared.constants import reals, record
from gate.models.numerics.arrays import Singles

_SHUT, _OPEN, _FAINTEST = reals("inversion.local-patch", "shut", "open", "faintest")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the picture, and a pattern that does well there.

    Attributes:
        top: Row of its upper left pixel.
        left: Column of it.
        pattern: Shape ``(side, side, c)``, 0..1.
    """

    top: int
    left: int
    pattern: Singles


class LocalPatch(Patch):
    """A patch of a mask and a pattern like Neural Cleanse's that begins as a full window and can only shrink within it.

    Args:
        spots: Of each class to search, the best first: one for each restart, in turn.
    """

    def __init__(self, spots: Mapping[int, tuple[Spot, ...]]) -> None:
        self._spots = spots
        side = next(iter(spots.values()))[0].pattern.shape[0]
        # What no window can hold is as large as a window, at least.
        area = float(side * side)
        self.tuning = Tuning(**record("inversion.local-patch.tuning"), largest=area, is_local=True)

    def has_a_place(self, trigger: tuple[Singles, ...]) -> bool:
        """Return that it has one: its window."""
        del trigger
        return True

    def start(
        self, rng: np.random.Generator, shape: Shape, restart: Restart
    ) -> tuple[NDArray[np.float64], ...]:
        """Return the open window and its pattern."""
        spots = self._spots[restart.label]
        spot = spots[restart.number % len(spots)]
        side = spot.pattern.shape[0]
        window = slice(spot.top, spot.top + side), slice(spot.left, spot.left + side)
        mask, pattern = np.full((*shape[:2], 1), _SHUT), np.zeros(shape)
        mask[window] = to_tanh_space(np.array(_OPEN))
        pattern[window] = to_tanh_space(np.clip(spot.pattern, _FAINTEST, 1 - _FAINTEST).astype(np.float64))
        return mask, pattern
