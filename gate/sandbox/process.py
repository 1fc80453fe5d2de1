"""Cut the ties of this process to others: no new privileges, no onlookers, no life after its parent's."""

from __future__ import annotations

import signal

from gate.sandbox.kernel import prctl

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def give_up_privileges() -> None:
    """Make this process, and those that it starts, unable to gain rights and to be read by their siblings."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends; those that it forks have to ask for themselves."""
    # Strictly, the parent's thread that started it: the gate's waits until the scan is over.
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
