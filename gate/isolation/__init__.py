"""Run one scan in a child process and read back its one record; whatever else comes back is no verdict.

The child is an isolated interpreter (`python -I`), started afresh (`fresh`) or forked from one that has imported TensorFlow
already (`server`); `starting` chooses. It has a minimal environment, an empty working directory, limits on time and output,
and none of the parent's secrets; it locks itself in before it opens the model (`gate.sandbox`). A child that crashes,
hangs, or says anything but one well-formed record with the right nonce leaves the scan incomplete.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from gate.core.codec import from_plain, to_plain
from gate.core.job import Job
from gate.core.scan import Scan
from gate.core.text import printable
from gate.isolation.process import GRACE, Process, Progress, Start, failed

_LARGEST_RECORD = 16 * 1024 * 1024
_LAST_WORDS = 64 * 1024


def run(job: Job, start: Start, workspace: Path, progress: Progress, stop: Event) -> Scan:
    """Scan in a child process.

    Args:
        job: What to do, and how long it may take.
        start: Starts the child.
        workspace: Empty folder of the child's own.
        progress: Called with what the child tells.
        stop: Ends the child within a second once it is set.

    Raises:
        IncompleteError: The child did not send a whole record in time (BD004).
    """
    process = start(job, workspace, progress, stop)
    try:
        _tell(process, job)
        return _listen(process, job, _chunks(process, job.seconds, stop), progress)
    finally:
        process.end()


def _tell(process: Process, job: Job) -> None:
    try:
        process.stdin.write(json.dumps(to_plain(job)).encode())
        process.stdin.close()
    except BrokenPipeError as error:
        raise failed("The scanning process ended before it was told what to do.") from error


def _chunks(process: Process, seconds: float, stop: Event) -> Iterator[tuple[bool, bytes]]:
    """Yield what the child writes, each piece with whether it went to standard output, until it closes both ends."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ, data=stream is process.stdout)
        while selector.get_map():
            if stop.is_set():
                raise failed("It was interrupted.")
            if time.monotonic() > deadline:
                raise failed(f"It took longer than {seconds:g} s.", "Raise limits.seconds in the policy.")
            for key, _ in selector.select(timeout=0.5):
                chunk = os.read(key.fd, 1 << 16)
                if chunk:
                    yield key.data, chunk
                else:
                    selector.unregister(key.fileobj)


def _listen(process: Process, job: Job, chunks: Iterator[tuple[bool, bytes]], progress: Progress) -> Scan:
    record: Scan | None = None
    lines, last_words = _Lines(_LARGEST_RECORD), b""
    for is_output, chunk in chunks:
        if not is_output:
            last_words = (last_words + chunk)[-_LAST_WORDS:]
            continue
        for line in lines.feed(chunk):
            record = _heard(line, job, record, progress)
    try:
        code = process.wait(GRACE)
    except TimeoutError as error:
        raise failed("The scanning process fell silent but did not end.") from error
    return _finished(code, record, last_words)


class _Lines:
    """Cuts a stream into lines and refuses to hold more than `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._rest: list[bytes] = []
        self._left = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk completes."""
        self._left -= len(chunk)
        if self._left < 0:
            raise failed(f"The scanning process sent more than {_LARGEST_RECORD} bytes.")
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
        raise failed(
            f"The scanning process sent a malformed record ({printable(str(error), 200)})."
        ) from error
    if not is_ours or record is not None or not scan.answers(job):
        raise failed("The scanning process sent a record that does not belong to this scan.")
    return scan


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, received {number}")
    return value


def _finished(code: int, record: Scan | None, last_words: bytes) -> Scan:
    if code == 0 and record is not None:
        return record
    if code < 0:
        hint = "Raise limits.memory_mb in the policy if the model is simply large; a hostile file can cause this."
        name = signal.strsignal(-code) or "unknown"
        raise failed(f"The scanning process was ended by signal {-code} ({name}).", hint)
    lines = last_words.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    raise failed(
        f"The scanning process ended without a verdict: {printable(lines[-1], 300)}", _memory_hint(lines[-1])
    )


def _memory_hint(words: str) -> str:
    is_memory = "MemoryError" in words or "bad_alloc" in words or "OOM" in words
    return "Raise limits.memory_mb in the policy." if is_memory else ""
