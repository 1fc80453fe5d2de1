"""What the gate asks of a scanning process, however it was started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.job import Job
from gate.core.messages import Progress

# Seconds that a child may take to end after its last word.
GRACE = 10.0


class Process(Protocol):
    """A scanning process, in a session of its own, that waits for its job."""

    @property
    def stdin(self) -> BinaryIO:
        """Where the job goes to."""

    @property
    def stdout(self) -> BinaryIO:
        """Where progress and the record come from."""

    @property
    def stderr(self) -> BinaryIO:
        """Where complaints come from."""

    def wait(self, seconds: float) -> int:
        """Return its exit code, or the negative number of the signal that ended it.

        Raises:
            TimeoutError: It is still at work.
            IncompleteError: Nobody can tell how it ended.
        """

    def end(self) -> None:
        """End it, with everything that it started in its session, which outlives a process that ended by itself."""


class Start(Protocol):
    """Starts a scanning process."""

    def __call__(self, job: Job, workspace: Path, progress: Progress, stop: Event) -> Process:
        """Start a process for a job in an empty folder of its own.

        Raises:
            IncompleteError: It cannot be started, or the run was stopped before it was.
        """


def environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return what a process may know that may see a model: no tokens, no proxies, no Python or Keras settings.

    Args:
        environ: The parent's environment; only harmless names are passed on.
        home: The only folder that it may write to.
    """
    passed = {name: environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in environ}
    return passed | {
        "HOME": str(home),
        "TMPDIR": str(home),
        "KERAS_HOME": str(home),
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # NumPy would start a thread for each processor while it is imported: threads do not survive a fork, and sums
        # would depend on how many processors a machine has.
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_PLUGIN_PATH": "disable",
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }


def failed(message: str, hint: str = "") -> IncompleteError:
    """Return the error of a scan that gave no verdict (BD004)."""
    return IncompleteError(incomplete_rules.SCAN_FAILED.id, f"The scan did not finish. {message}", hint=hint)
