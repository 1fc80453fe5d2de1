"""What the time limit still leaves room for: a search that could not end in time is not begun, so that what was found is told."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.detectors.shared.contract import Detector, needed

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context

# Of the time limit, what searches may use; the rest is for what they do besides, and for the way back.
_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The time that is left, in passes.

    Attributes:
        ends: When the searches have to be over, by `time.monotonic`.
        rate: Images that go through the network there and back in a second, by all threads together.
    """

    ends: float = math.inf
    rate: float = math.inf

    def has_for_look(self, detector: Detector, context: Context) -> bool:
        """Return whether a detector's short look ends in time; one that searches nothing always does."""
        return needed(detector, context).look <= self._passes()

    def has_for_long(self, detector: Detector, context: Context) -> bool:
        """Return whether a detector's long search ends in time."""
        return needed(detector, context).longer <= self._passes()

    def _passes(self) -> float:
        return self.rate * max(0.0, self.ends - time.monotonic())


ALL, NONE = Room(), Room(ends=0.0, rate=0.0)


def until(limit: float, started: float, rate: float) -> Room:
    """Return the room within a time limit in seconds of a scan that started at a time by `time.monotonic`."""
    return Room(ends=started + _SHARE * limit, rate=rate)
