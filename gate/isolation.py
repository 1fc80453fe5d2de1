"""Run one scan in a child process and read back its one record; whatever else comes back is no verdict.

The child is an isolated interpreter (`python -I`) with a minimal environment, an empty working directory, limits on
time, memory and output, and none of the parent's secrets. A child that crashes, hangs, or says anything but one
well-formed record with the right nonce leaves the scan incomplete.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

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
# What TensorFlow maps before it has done anything; the policy's limit is for the model on top of it.
_ENGINE_MB = 4096


def run(job: Job, seconds: float, environ: Mapping[str, str], workspace: Path, progress: Progress) -> Scan:
    """Scan in a child process.

    Args:
        job: What to do.
        seconds: Time limit.
        environ: The parent's environment; only harmless names are passed on.
        workspace: Empty folder of the child's own.
        progress: Called with what the child tells.

    Raises:
        IncompleteError: The child did not send a whole record in time (BD004).
    """
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
        [sys.executable, "-I", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=workspace,
        env=_environment(environ, workspace),
        start_new_session=True,
        preexec_fn=_limits(job.memory_mb, seconds) if os.name == "posix" else None,
    )
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(to_plain(job)).encode())
        child.stdin.close()
        return _converse(child, job, seconds, progress)
    except BrokenPipeError as error:
        raise _failed("The scanning process ended before it was told what to do.") from error
    finally:
        _end(child)


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
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _limits(memory_mb: int, seconds: float) -> Callable[[], None]:
    import resource

    def limit() -> None:
        address_space = (_ENGINE_MB + memory_mb) * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Twice the time on every core is more than a scan within its time limit can use.
        cpu = int(seconds * (os.cpu_count() or 1) * 2) + 10
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        if memory_mb and sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    return limit


def _converse(child: subprocess.Popen[bytes], job: Job, seconds: float, progress: Progress) -> Scan:
    deadline = time.monotonic() + seconds
    record: Scan | None = None
    assert child.stdout is not None
    assert child.stderr is not None
    lines, last_words = _Lines(_LARGEST_RECORD), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise _failed(f"It took longer than {seconds:g} s.", "Raise limits.seconds in the policy.")
            for key, _ in selector.select(timeout=0.5):
                chunk = _read(key.fileobj)  # type: ignore[arg-type]  # the two streams registered above
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stderr:
                    last_words = (last_words + chunk)[-_LAST_WORDS:]
                else:
                    for line in lines.feed(chunk):
                        record = _heard(line, job, record, progress)
    return _finished(child.wait(timeout=10), record, bytes(last_words))


def _read(stream: IO[bytes]) -> bytes:
    return os.read(stream.fileno(), 1 << 16)


class _Lines:
    """Cuts a stream into lines and refuses to hold more than `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._rest = b""
        self._left = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk completes."""
        self._left -= len(chunk)
        if self._left < 0:
            raise _failed(f"The scanning process sent more than {_LARGEST_RECORD} bytes.")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return lines


def _heard(line: bytes, job: Job, record: Scan | None, progress: Progress) -> Scan | None:
    """Pass progress on; return the record, once there is one."""
    try:
        message = json.loads(line)
        if set(message) == {"progress"}:
            stage, done, total, detail = message["progress"]
            progress(printable(str(stage), 60), int(done), int(total), printable(str(detail), 80))
            return record
        is_ours = set(message) == {"nonce", "scan"} and message["nonce"] == job.nonce
        scan = from_plain(Scan, message["scan"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _failed(
            f"The scanning process sent a malformed record ({printable(str(error), 200)})."
        ) from error
    if not is_ours or record is not None or scan.artifact != job.artifact:
        raise _failed("The scanning process sent a record that does not belong to this scan.")
    return scan


def _finished(returncode: int, record: Scan | None, last_words: bytes) -> Scan:
    if returncode == 0 and record is not None:
        return record
    if returncode < 0:
        name = signal.Signals(-returncode).name
        hint = "Raise limits.memory_mb in the policy if the model is simply large; a hostile file can cause this."
        raise _failed(f"The scanning process was ended by {name}.", hint)
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
    """End the child and everything it started."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            child.kill()
        child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            stream.close()
