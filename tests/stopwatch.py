"""How much computing the processes that a test starts have cost: machines are busy, so wall time says nothing."""

from __future__ import annotations

import resource
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the computing time of the processes that the work starts and waits for, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
