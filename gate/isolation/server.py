"""Scanning processes that are forked from one that has imported what they need already (`gate.worker.server`)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO

from gate.isolation.process import GRACE, Process, environment, failed

_SCRIPT = Path(__file__).parents[1] / "worker" / "server.py"
# Seconds that all imports may take, on a machine that has much else to do.
_START_UP = 120.0


class Server:
    """A server that is ready to fork.

    Args:
        control: Where it takes requests.
        belongings: Ends it and cleans up behind it.
    """

    def __init__(self, control: socket.socket, belongings: ExitStack) -> None:
        self._control = control
        self._belongings = belongings

    def start(self, workspace: Path) -> Process:
        """Start a process in an empty folder of its own.

        Raises:
            OSError: The server is not there any more.
        """
        line, their_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (stdin, our_stdin), (our_stdout, stdout), (our_stderr, stderr) = (os.pipe() for _ in range(3))
        forked = _Forked(
            line, os.fdopen(our_stdin, "wb"), os.fdopen(our_stdout, "rb"), os.fdopen(our_stderr, "rb")
        )
        try:
            descriptors = [stdin, stdout, stderr, their_line.fileno()]
            socket.send_fds(self._control, [os.fsencode(workspace)], descriptors)
        except OSError:
            forked.close()
            raise
        finally:
            their_line.close()
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        return forked

    def close(self) -> None:
        """End the server. Children that are still at work end with it."""
        self._belongings.close()


def launch(environ: Mapping[str, str], *, needs_engine: bool, stop: Event) -> Server | None:
    """Start a server and wait until it has imported everything.

    Args:
        environ: The parent's environment; only harmless names are passed on.
        needs_engine: Whether to import TensorFlow, too.
        stop: Ends the waiting once it is set.

    Returns:
        None if there can be none: forks are not safe here (macOS' libraries start threads; Windows has no fork), or it
        did not get ready.

    Raises:
        IncompleteError: The run was stopped.
    """
    if sys.platform != "linux":
        return None
    with ExitStack() as belongings:
        home = Path(belongings.enter_context(tempfile.TemporaryDirectory(prefix="backdoor-gate-")))
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        belongings.enter_context(control)
        try:
            with theirs:
                belongings.callback(
                    _end, _run(theirs, environment(environ, home), home, needs_engine=needs_engine)
                )
        except OSError:
            return None
        if _is_ready(control, stop):
            # A server that takes no request within this time is none.
            control.settimeout(GRACE)
            return Server(control, belongings.pop_all())
    return None


def _run(
    control: socket.socket, environ: Mapping[str, str], home: Path, *, needs_engine: bool
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
        [sys.executable, "-I", str(_SCRIPT), "engine" if needs_engine else "triage"],
        stdin=control.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env=environ,
        start_new_session=True,
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


def _is_ready(control: socket.socket, stop: Event) -> bool:
    deadline = time.monotonic() + _START_UP
    control.settimeout(0.2)
    while time.monotonic() < deadline:
        if stop.is_set():
            raise failed("It was interrupted.")
        with suppress(TimeoutError):
            return control.recv(64) == b"ready"
    return False


class _Forked:
    """A process that a server has forked; the server tells on the line how it ended, and ends it when we hang up."""

    def __init__(self, line: socket.socket, stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO) -> None:
        self._line = line
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    def wait(self, seconds: float) -> int:
        self._line.settimeout(seconds)
        code = self._line.recv(64)
        if not code:
            raise failed("The server that starts scanning processes did not start this one, or has ended.")
        return int(code)

    def end(self) -> None:
        # A server that does not hear it is ended itself at the end of the run, and its children with it.
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)
            self._line.settimeout(GRACE)
            while self._line.recv(64):
                pass
        self.close()

    def close(self) -> None:
        """Let go of everything."""
        self._line.close()
        for stream in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):  # what the child never read is flushed on closing
                stream.close()
