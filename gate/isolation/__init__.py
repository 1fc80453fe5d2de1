"""Run one scan in a child process and read back its one record; whatever else comes back is no verdict.

The child is an isolated interpreter (`python -I`), started afresh (`fresh`) or forked from one that has imported TensorFlow
already (`server`); `starting` chooses. It has a minimal environment, an empty working directory, limits on time and output,
and none of the parent's secrets; it locks itself in before it opens the model (`gate.sandbox`). A child that crashes,
hangs, or says anything but one well-formed record with the right nonce leaves the scan incomplete.
"""

from __future__ import annotations

from pathlib import Path
from threading import Event

from gate.core.job import Job
from gate.core.messages import Progress, ProgressTold, ScanDone, decode
from gate.core.scan import Scan
from gate.core.text import printable
from gate.isolation.process import Process, Start, failed
from gate.isolation.reading import read_messages, send_job, show, without_verdict


def run(job: Job, start: Start, workspace: Path, progress: Progress, stop: Event) -> Scan:
    """Scan in a child process, in an empty folder of its own; `stop` ends it within a second once it is set.

    Raises:
        IncompleteError: The child did not send a whole record in time (BD004).
    """
    process = start(job, workspace, progress, stop)
    try:
        send_job(process, job)
        return _record(process, job, progress, stop)
    finally:
        process.end()


def _record(process: Process, job: Job, progress: Progress, stop: Event) -> Scan:
    record: Scan | None = None

    def take(line: bytes) -> None:
        nonlocal record
        record = _taken(line, job, record, progress)

    code, last_words = read_messages(process, job.seconds, stop, take)
    if code == 0 and record is not None:
        return record
    raise without_verdict(code, last_words)


def _taken(line: bytes, job: Job, record: Scan | None, progress: Progress) -> Scan | None:
    """Pass progress on; return the record, once there is one."""
    try:
        told = decode(line, ProgressTold, ScanDone)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise failed(
            f"The scanning process sent a malformed record ({printable(str(error), 200)})."
        ) from error
    if isinstance(told, ProgressTold):
        show(told, progress)
        return record
    if told.nonce != job.nonce or record is not None or not told.scan.answers(job):
        raise failed("The scanning process sent a record that does not belong to this scan.")
    scan: Scan = told.scan
    return scan
