"""How long the static checks of one file may compute."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds of computing time: for a model of the largest size that the policy allows it takes a few.
LONGEST_INSPECTION = 15.0


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End this process if it computes for longer: HDF5 runs in circles on some damaged files, deaf to Python."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
