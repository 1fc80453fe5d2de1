"""Independent parts of a computation, side by side: each on one thread of its own.

One operation that is spread over threads uses two cores badly (a step of a search takes 0.75 of the time, not half), and its
sums depend on how they are split. Parts that have nothing to do with each other do better, and what they come to does not
depend on how many of them run at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def side_by_side(function: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Return what the function makes of each part, in their order: as many at a time as the engine has threads.

    Args:
        function: Computes with TensorFlow, which lets other threads go on meanwhile. Shares nothing that it changes.
        parts: What it is called with.

    Raises:
        Exception: What the function raised, of the first part that failed.
    """
    import tensorflow as tf

    threads = max(1, tf.config.threading.get_inter_op_parallelism_threads())
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, parts))


class Tally:
    """Counts the steps of parts that run side by side, and tells the sum: one at a time, and never a smaller one.

    Args:
        tell: Called with (steps done, steps in all).
        total: Steps of all parts.
    """

    def __init__(self, tell: Callable[[int, int], None], total: int) -> None:
        self._tell, self._total = tell, total
        self._done = 0
        self._lock = threading.Lock()

    def step(self) -> None:
        """Count one step."""
        with self._lock:
            self._done += 1
            self._tell(self._done, self._total)
