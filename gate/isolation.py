"""Run one scan in a child process and read back its one record; whatever else comes back is no verdict.

The child is an isolated interpreter (`python -I`) with a minimal environment, an empty working directory, limits on
time and output, and none of the parent's secrets; it locks itself in before it opens the model (`gate.sandbox`). A
child that crashes, hangs, or says anything but one well-formed record with the right nonce leaves the scan incomplete.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event

from gate.core import rules
from gate.core.codec import from_plain, to_plain
from gate.core.errors import IncompleteError
from gate.core.job import Job
from gate.core.scan import Scan
from gate.core.text import printable

Progress = Callable[[str, int, int, str], None]

_WORKER = Path(__file__).with_name("worker.py")
_LARGEST_RECORD = 16 * 1024 * 1024
_LAST_WORDS = 64 * 1024
# Seconds that a child may take to end after its last word.
_GRACE = 10.0


def run(job: Job, environ: Mapping[str, str], workspace: Path, progress: Progress, stop: Event) -> Scan:
    """Scan in a child process.

    Args:
        job: What to do, and how long it may take.
        environ: The parent's environment; only harmless names are passed on.
        workspace: Empty folder of the child's own.
        progress: Called with what the child tells.
        stop: Ends the child within a second once it is set.

    Raises:
        IncompleteError: The child did not send a whole record in time (BD004).
    """
    child = _start(environ, workspace)
    try:
        _tell(child, job)
        return _listen(child, job, _chunks(child, job.seconds, stop), progress)
    finally:
        _end(child)


def _start(environ: Mapping[str, str], workspace: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=workspace,
            env=_environment(environ, workspace),
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _failed(f"The scanning process cannot be started: {error}.") from error


def _environment(environ: Mapping[str, str], workspace: Path) -> dict[str, str]:
    """Return what the child may know: no tokens, no proxies, no Python or Keras settings."""
    passed = {name: environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in environ}
    return passed | {
        "HOME": str(workspace),
        "TMPDIR": str(workspace),
        "KERAS_HOME": str(workspace),
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "HDF5_PLUGIN_PATH": "disable",
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }


def _tell(child: subprocess.Popen[bytes], job: Job) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(to_plain(job)).encode())
        child.stdin.close()
    except BrokenPipeError as error:
        raise _failed("The scanning process ended before it was told what to do.") from error


def _chunks(child: subprocess.Popen[bytes], seconds: float, stop: Event) -> Iterator[tuple[bool, bytes]]:
    """Yield what the child writes, each piece with whether it went to standard output, until it closes both ends."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ, data=stream is child.stdout)
        while selector.get_map():
            if stop.is_set():
                raise _failed("It was interrupted.")
            if time.monotonic() > deadline:
                raise _failed(f"It took longer than {seconds:g} s.", "Raise limits.seconds in the policy.")
            for key, _ in selector.select(timeout=0.5):
                chunk = os.read(key.fd, 1 << 16)
                if chunk:
                    yield key.data, chunk
                else:
                    selector.unregister(key.fileobj)


def _listen(
    child: subprocess.Popen[bytes], job: Job, chunks: Iterator[tuple[bool, bytes]], progress: Progress
) -> Scan:
    record: Scan | None = None
    lines, last_words = _Lines(_LARGEST_RECORD), b""
    for is_output, chunk in chunks:
        if not is_output:
            last_words = (last_words + chunk)[-_LAST_WORDS:]
            continue
        for line in lines.feed(chunk):
            record = _heard(line, job, record, progress)
    try:
        returncode = child.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired as error:
        raise _failed("The scanning process fell silent but did not end.") from error
    return _finished(returncode, record, last_words)


class _Lines:
    """Cuts a stream into lines and refuses to hold more than `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._rest: list[bytes] = []
        self._left = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk completes."""
        self._left -= len(chunk)
        if self._left < 0:
            raise _failed(f"The scanning process sent more than {_LARGEST_RECORD} bytes.")
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._rest, lines[0]))
            self._rest.clear()
        self._rest.append(rest)
        return lines


def _heard(line: bytes, job: Job, record: Scan | None, progress: Progress) -> Scan | None:
    """Pass progress on; return the record, once there is one."""
    try:
        message = json.loads(line, parse_float=_finite, parse_constant=_finite)
        if set(message) == {"progress"}:
            stage, done, total, detail = message["progress"]
            progress(printable(str(stage), 60), int(done), int(total), printable(str(detail), 80))
            return record
        is_ours = set(message) == {"nonce", "scan"} and message["nonce"] == job.nonce
        scan = from_plain(Scan, message["scan"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise _failed(
            f"The scanning process sent a malformed record ({printable(str(error), 200)})."
        ) from error
    if not is_ours or record is not None or not scan.answers(job):
        raise _failed("The scanning process sent a record that does not belong to this scan.")
    return scan


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, received {number}")
    return value


def _finished(returncode: int, record: Scan | None, last_words: bytes) -> Scan:
    if returncode == 0 and record is not None:
        return record
    if returncode < 0:
        hint = "Raise limits.memory_mb in the policy if the model is simply large; a hostile file can cause this."
        name = signal.strsignal(-returncode) or "unknown"
        raise _failed(f"The scanning process was ended by signal {-returncode} ({name}).", hint)
    lines = last_words.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    raise _failed(
        f"The scanning process ended without a verdict: {printable(lines[-1], 300)}", _memory_hint(lines[-1])
    )


def _memory_hint(words: str) -> str:
    is_memory = "MemoryError" in words or "bad_alloc" in words or "OOM" in words
    return "Raise limits.memory_mb in the policy." if is_memory else ""


def _failed(message: str, hint: str = "") -> IncompleteError:
    return IncompleteError(rules.SCAN_FAILED.id, f"The scan did not finish. {message}", hint=hint)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything that it started in its session, which outlives a child that ended by itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):  # what the child never read is flushed on closing
                stream.close()
