"""Send a child process its job and read what it says, line by line, within bounds of time and size."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from threading import Event

from gate.core.errors import IncompleteError
from gate.core.messages import Progress, ProgressTold, encode
from gate.core.text import printable
from gate.isolation.process import GRACE, Process, failed

_LARGEST_RECORD = 16 * 1024 * 1024
_LAST_WORDS = 64 * 1024


def send_job(process: Process, job: object) -> None:
    """Hand a job to a child.

    Raises:
        IncompleteError: It is not there any more (BD004).
    """
    try:
        process.stdin.write(encode(job).encode())
        process.stdin.close()
    except BrokenPipeError as error:
        raise failed("The scanning process ended before it was told what to do.") from error


def read_messages(
    process: Process, seconds: float, stop: Event, take: Callable[[bytes], None]
) -> tuple[int, bytes]:
    """Pass on each line of a child's standard output until it has ended.

    Args:
        process: The child.
        seconds: It may take.
        stop: Ends the reading within a second once it is set.
        take: Called with each line.

    Returns:
        Its exit code, or the negative number of the signal that ended it; and the end of its complaints.

    Raises:
        IncompleteError: It took too long, said too much, did not end, or the reading was stopped (BD004).
    """
    lines, last_words = _Lines(_LARGEST_RECORD), b""
    for is_output, chunk in _chunks(process, seconds, stop):
        if not is_output:
            last_words = (last_words + chunk)[-_LAST_WORDS:]
            continue
        for line in lines.feed(chunk):
            take(line)
    try:
        return process.wait(GRACE), last_words
    except TimeoutError as error:
        raise failed("The scanning process fell silent but did not end.") from error


def show(told: ProgressTold, progress: Progress) -> None:
    """Pass progress on, fit to be shown."""
    stage, done, total, detail = told.progress
    progress(printable(stage, 60), done, total, printable(detail, 80))


def without_verdict(code: int, last_words: bytes) -> IncompleteError:
    """Return the error of a child that ended and left no record."""
    if code < 0:
        hint = "Raise limits.memory_mb in the policy if the model is simply large; a hostile file can cause this."
        name = signal.strsignal(-code) or "unknown"
        return failed(f"The scanning process was ended by signal {-code} ({name}).", hint)
    lines = last_words.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return failed(
        f"The scanning process ended without a verdict: {printable(lines[-1], 300)}", _memory_hint(lines[-1])
    )


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


def _memory_hint(words: str) -> str:
    is_memory = "MemoryError" in words or "bad_alloc" in words or "OOM" in words
    return "Raise limits.memory_mb in the policy." if is_memory else ""
