"""A child that trains shadow networks: locks itself in, tells each shadow as soon as it is done, then the meta-model.

Started by `gate.isolation` as `python -I .../training_child.py`, with a `ShadowJob` on standard input. Its standard output
carries JSON lines: progress, shadows, then one record that repeats the job's nonce.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # As in `gate.worker.child`.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    __import__("gate")
    sys.path.append(sys.path.pop(0))

from gate.core.errors import GateError
from gate.core.messages import ShadowDone, TrainingFailed, decode
from gate.core.meta_training import Shadow, ShadowJob
from gate.detectors.meta.model import MetaModelDone
from gate.sandbox import confine
from gate.sandbox.reading import scan_paths
from gate.worker.channel import open_channel
from gate.worker.meta_training import teach


def main() -> None:
    """Read a job, train, write the meta-model or what is wrong."""
    send, progress = open_channel()

    def keep(shadow: Shadow) -> None:
        send(ShadowDone(shadow))

    job: ShadowJob = decode(sys.stdin.read(), ShadowJob)
    # The user trusts this model no more than any other.
    confine(readable=scan_paths(job.job), workspace=Path.cwd(), memory_mb=job.job.memory_mb)
    try:
        send(MetaModelDone(job.job.nonce, teach(job, progress, keep)))
    except GateError as error:
        send(TrainingFailed(job.job.nonce, (str(error), error.hint)))


if __name__ == "__main__":
    main()
    os._exit(0)
