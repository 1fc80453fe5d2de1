"""Lock the scanning process in before it opens what a stranger wrote; nothing in here needs a privilege."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from gate.core.confinement import Confinement
from gate.sandbox import landlock, process, rlimits, seccomp
from gate.sandbox.kernel import Unavailable


def confine(
    *, readable: Iterable[Path], workspace: Path, memory_mb: int = 0, seconds: float = 0.0
) -> Confinement:
    """Give up, for the rest of this process's life, what a scan does not need.

    Call it once, before the first thread starts: Landlock binds only the thread that asks for it, and those that this
    thread starts later.

    Args:
        readable: Files and folders that stay readable; those that do not exist are passed over.
        workspace: The only folder that stays writable.
        memory_mb: Address space beyond what the engine itself maps; 0 for no limit.
        seconds: Wall time that the scan may take, from which follows its limit of CPU time; 0 for no limit.

    Returns:
        What is in force. Whether it is enough is for the caller to say.
    """
    rlimits.apply(memory_mb, seconds)
    if sys.platform != "linux":
        return Confinement(
            landlock_abi=0, seccomp=False, missing=(f"no Landlock and no seccomp on {sys.platform}",)
        )
    process.give_up_privileges()
    process.die_with_parent()
    missing: list[str] = []
    abi = _or_missing(lambda: landlock.restrict(readable, workspace), missing)
    # Last: the filter refuses, among others, what the steps before it need.
    instructions = _or_missing(seccomp.restrict, missing)
    return Confinement(landlock_abi=abi, seccomp=instructions > 0, missing=tuple(missing))


def _or_missing(step: Callable[[], int], missing: list[str]) -> int:
    try:
        return step()
    except Unavailable as error:
        missing.append(str(error))
        return 0
