"""A scanning child: lock itself in, scan, and send back one record.

Started by `gate.isolation` as `python -I .../child.py`, or forked by `gate.worker.server`, with a job on standard input.
Its standard output carries JSON lines: progress, then one record that repeats the job's nonce.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # `python -I` puts neither this folder nor the working directory on the path. In front for the gate itself, so that another one
    # that is installed cannot stand in for it; then behind, so that what lies beside the package cannot stand in for a library.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    __import__("gate")
    sys.path.append(sys.path.pop(0))

from gate.core import incomplete_rules
from gate.core.job import Job
from gate.core.messages import Progress, ScanDone, decode
from gate.core.report import Gap
from gate.core.scan import Scan
from gate.sandbox import confine
from gate.sandbox.reading import scan_paths
from gate.worker.channel import open_channel
from gate.worker.scanning import scan


def main() -> None:
    """Read a job, scan, write the record."""
    send, progress = open_channel()
    job: Job = decode(sys.stdin.read(), Job)
    send(ScanDone(job.nonce, _confined(job, progress)))


def _confined(job: Job, progress: Progress) -> Scan:
    """Give up all rights that the scan does not need, then scan."""
    confinement = confine(
        readable=scan_paths(job), workspace=Path.cwd(), memory_mb=job.memory_mb, seconds=job.seconds
    )
    if job.require_sandbox and confinement.missing:
        message = f"The scanning process cannot be locked in: {confinement}. The model was not opened."
        found = Scan(
            artifact=job.artifact, gaps=(Gap(rule=incomplete_rules.MISSING_SANDBOX.id, message=message),)
        )
    else:
        found = scan(job, progress)
    return dataclasses.replace(found, confinement=confinement)


if __name__ == "__main__":
    main()
    # The record is out; taking the interpreter and TensorFlow apart would take another 0.2 s.
    os._exit(0)
