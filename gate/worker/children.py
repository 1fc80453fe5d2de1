"""The children of the fork server: who is at work, who has ended, and whose gate has hung up."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Child:
    """A child at work: its process id, a descriptor that is ready when it ends, and the line to the gate."""

    pid: int
    ended: int
    line: int


class Children:
    """Waits for requests of the gate and for the ends of children.

    A child ends by itself, or is ended when the gate hangs up its line; either way the gate hears its exit code, or the
    negative number of the signal that ended it, and all that it started ends with it.

    Args:
        control: Descriptor that requests come from.
    """

    def __init__(self, control: int) -> None:
        self._control = control
        self._at_work: dict[int, _Child] = {}
        self._ready = select.poll()
        self._ready.register(control, select.POLLIN)

    def add(self, pid: int | None, line: int) -> None:
        """Take care of a child; without a process id there is none, and its gate is hung up on."""
        if pid is None:
            os.close(line)
            return
        child = _Child(pid, os.pidfd_open(pid), line)
        for descriptor in (child.ended, child.line):
            self._at_work[descriptor] = child
            self._ready.register(descriptor, select.POLLIN)

    def wait_for_request(self) -> bool:
        """Wait until something happens; return whether it is a request."""
        descriptors = [descriptor for descriptor, _ in self._ready.poll()]
        for descriptor in descriptors:
            # Both descriptors of a child may be ready; the first of them ends it.
            if descriptor in self._at_work:
                self._end(self._at_work[descriptor])
        return self._control in descriptors

    def end_all(self) -> None:
        """End every child that is at work."""
        for child in set(self._at_work.values()):
            self._end(child)

    def _end(self, child: _Child) -> None:
        for descriptor in (child.ended, child.line):
            del self._at_work[descriptor]
            self._ready.unregister(descriptor)
        # Until it is waited for, its number is nobody else's. It leads no group yet if it has only just been born.
        for kill in (os.kill, os.killpg):
            with suppress(ProcessLookupError):
                kill(child.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        with suppress(BrokenPipeError):
            os.write(child.line, str(code).encode())
        os.close(child.ended)
        os.close(child.line)
