"""Run one scan in a child process and read back its one record; whatever else comes back is no verdict.

The child is an isolated interpreter (`python -I`), started afresh (`fresh`) or forked from one that has imported TensorFlow
already (`server`); `starting` chooses. It has a minimal environment, an empty working directory, limits on time and output,
and none of the parent's secrets; it locks itself in before it opens the model (`gate.sandbox`). A child that crashes,
hangs, or says anything but one well-formed record with the right nonce leaves the scan incomplete.
"""

from __future__ import annotations

from pathlib import Path
from threading import Event

from gate.core.codec import from_plain, to_plain
from gate.core.job import Job
from gate.core.scan import Scan
from gate.core.text import printable
from gate.isolation.hearing import hear, message, progress_of, tell, without_verdict
from gate.isolation.process import Process, Progress, Start, failed


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
        tell(process, to_plain(job))
        return _listen(process, job, progress, stop)
    finally:
        process.end()


def _listen(process: Process, job: Job, progress: Progress, stop: Event) -> Scan:
    record: Scan | None = None

    def heard(line: bytes) -> None:
        nonlocal record
        record = _heard(line, job, record, progress)

    code, last_words = hear(process, job.seconds, stop, heard)
    if code == 0 and record is not None:
        return record
    raise without_verdict(code, last_words)


def _heard(line: bytes, job: Job, record: Scan | None, progress: Progress) -> Scan | None:
    """Pass progress on; return the record, once there is one."""
    try:
        told = message(line)
        if set(told) == {"progress"}:
            progress(*progress_of(told))
            return record
        is_ours = set(told) == {"nonce", "scan"} and told["nonce"] == job.nonce
        scan = from_plain(Scan, told["scan"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise failed(
            f"The scanning process sent a malformed record ({printable(str(error), 200)})."
        ) from error
    if not is_ours or record is not None or not scan.answers(job):
        raise failed("The scanning process sent a record that does not belong to this scan.")
    return scan
