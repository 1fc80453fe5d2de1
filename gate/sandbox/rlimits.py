"""Limits on what this process may use up."""

from __future__ import annotations

import os
import sys

_MIB = 1024 * 1024
# What TensorFlow maps before it has done anything; the caller's limit is for the model on top of it.
_ENGINE_MB = 4096
_FILES = 512
_LARGEST_FILE = 1024 * _MIB


def apply(memory_mb: int, seconds: float) -> None:
    """Limit this process, for good; a lower limit that is already in force stays.

    Args:
        memory_mb: Address space beyond what the engine itself maps; 0 for no limit. Heeded on Linux only.
        seconds: Wall time that the work may take; 0 for no limit.
    """
    if os.name != "posix":
        return
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _FILES,
        resource.RLIMIT_FSIZE: _LARGEST_FILE,
    }
    if seconds:
        # Twice the time on every core is more than a scan within its time limit can use.
        wanted[resource.RLIMIT_CPU] = int(seconds * (os.cpu_count() or 1) * 2) + 10
    if memory_mb and sys.platform == "linux":
        wanted[resource.RLIMIT_AS] = (_ENGINE_MB + memory_mb) * _MIB
    for kind, limit in wanted.items():
        value = _at_most(resource.getrlimit(kind)[1], limit)
        resource.setrlimit(kind, (value, value))


def _at_most(hard: int, limit: int) -> int:
    return limit if hard < 0 else min(hard, limit)
