"""A scanning process that is started afresh: an interpreter that imports what it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gate.isolation.process import Process, environment, failed

_SCRIPT = Path(__file__).parents[1] / "worker" / "child.py"


def start(environ: Mapping[str, str], workspace: Path, script: Path | None = None) -> Process:
    """Start a process in an empty folder of its own; without a script, the scan's. See `environment` for what it knows.

    Raises:
        IncompleteError: It cannot be started (BD004).
    """
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", str(script or _SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=workspace,
            env=environment(environ, workspace),
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise failed(f"The scanning process cannot be started: {error}.") from error
    return _Fresh(child)


class _Fresh:
    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self.stdin: BinaryIO = child.stdin  # type: ignore[assignment]  # IO[bytes], to the same effect
        self.stdout: BinaryIO = child.stdout  # type: ignore[assignment]
        self.stderr: BinaryIO = child.stderr  # type: ignore[assignment]

    def wait(self, seconds: float) -> int:
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error

    def end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):  # what the child never read is flushed on closing
                stream.close()
