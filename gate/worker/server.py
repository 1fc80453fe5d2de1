"""The fork server: import what scans need once, then fork one scanning child for each request of the gate.

Started by `gate.isolation.server` as `python -I .../server.py triage|engine` with a socket as standard input. A request is
the path of a workspace and four descriptors: the child's standard input, output and error, and a line on which the server
tells how the child ended. The server reads no job, no model and no record: they pass it by. It runs no TensorFlow
operation and has one thread, so that a fork of it is a whole process, and nothing of one child reaches the next.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    # As in `gate.worker.child`.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    __import__("gate")
    sys.path.append(sys.path.pop(0))

from gate.sandbox import process, rlimits
from gate.worker import child
from gate.worker.children import Children

_TRIAGE = ("gate.triage.checks", "gate.triage.stored", "h5py")
_ENGINE = ("gate.models.prepare", "gate.detectors.scoring.calibration", "keras", "tensorflow")


def main() -> None:
    """Serve; in each child, scan."""
    process.give_up_privileges()
    rlimits.apply(memory_mb=0, seconds=0.0)
    control = socket.socket(fileno=0)
    preload(needs_engine=sys.argv[1:] == ["engine"])
    _require_forks()
    control.send(b"ready")
    if serve(control):
        child.main()
        # The end of an interpreter takes every object apart, and would copy all the memory that it shares to do so.
        os._exit(0)


def preload(*, needs_engine: bool) -> None:
    """Import what scans need; what is missing, each child finds out and reports for its own model."""
    for name in (*_TRIAGE, *(_ENGINE if needs_engine else ())):
        with suppress(ImportError):
            importlib.import_module(name)
    if needs_engine:
        from gate import detectors

        for detector in detectors.ids():
            detectors.detector_class(detector)
    # What the collector does not visit stays in memory that all children share.
    gc.collect()
    gc.freeze()


def _require_forks() -> None:
    """End the server, before it is trusted with a scan, where a fork of it would not be a whole process."""
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count of names, not paths
    if threads != 1:
        sys.exit(f"{threads} threads are running, and a fork would have one of them")
    # An old or a locked-down kernel has no such descriptors; the exception says so.
    os.close(os.pidfd_open(os.getpid()))


def serve(control: socket.socket) -> bool:
    """Fork a child for each request until the gate hangs up, then end those that are left.

    Args:
        control: Where requests come from: the standard input, in whose place each child has its own.

    Returns:
        True in a child; False in the server, when it has nothing left to do.
    """
    server, home = os.getpid(), str(Path.cwd())
    children = Children(control.fileno())
    while True:
        if not children.wait_for_request():
            continue
        workspace, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
        if not workspace:
            children.end_all()
            return False
        pid = _fork()
        if pid == 0:
            control.detach()
            _settle(descriptors[:3], home, os.fsdecode(workspace), server)
            return True
        *streams, line = descriptors
        for descriptor in streams:
            os.close(descriptor)
        children.add(pid, line)


def _fork() -> int | None:
    """Return 0 in the child, its process id in the server, None if there is no room for another process."""
    try:
        return os.fork()
    except OSError:
        return None


def _settle(streams: Sequence[int], home: str, workspace: str, server: int) -> None:
    """Make a fork what a child started afresh would be: in a session and a folder of its own, with three descriptors."""
    os.setsid()
    process.die_with_parent()
    if os.getppid() != server:
        sys.exit("the server has ended")
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    os.closerange(len(streams), os.sysconf("SC_OPEN_MAX"))
    os.chdir(workspace)
    os.environ.update({name: workspace for name, value in os.environ.items() if value == home})
    # Libraries have asked for it while they were imported.
    tempfile.tempdir = None


if __name__ == "__main__":
    main()
