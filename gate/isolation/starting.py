"""How the scanning processes of one run are started: afresh, or forked where several models share the same imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Self

from gate.core.job import Job
from gate.core.messages import Progress
from gate.isolation import fresh, server
from gate.isolation.process import Process


class Starting:
    """Starts processes, from any thread, and ends its servers when the run is over.

    Scans that need TensorFlow and those that do not have a server each, which is started at the first such scan. A single
    scan gets no server: it would win nothing, and lose an import of TensorFlow where static checks already stop the model.

    Args:
        environ: The parent's environment; only harmless names are passed on.
        expected: For each scan to come, whether it needs TensorFlow.
    """

    def __init__(self, environ: Mapping[str, str], expected: Iterable[bool]) -> None:
        self._environ = environ
        scans = tuple(expected)
        self._to_launch = {needs_engine for needs_engine in (False, True) if scans.count(needs_engine) > 1}
        self._servers: dict[bool, server.Server] = {}
        self._lock = Lock()

    def __call__(self, job: Job, workspace: Path, progress: Progress, stop: Event) -> Process:
        """Start a process; see `gate.isolation.process.Start`."""
        needs_engine = bool(job.detectors)
        with self._lock:
            if needs_engine in self._to_launch:
                self._launch(progress, stop, needs_engine=needs_engine)
            if warm := self._servers.get(needs_engine):
                try:
                    return warm.start(workspace)
                except OSError:
                    # It has died, or does not listen; the other scans go on without it.
                    self._servers.pop(needs_engine).close()
            return fresh.start(self._environ, workspace)

    def _launch(self, progress: Progress, stop: Event, *, needs_engine: bool) -> None:
        if needs_engine:
            progress("starting TensorFlow", 0, 1, "")
        launched = server.launch(self._environ, needs_engine=needs_engine, stop=stop)
        self._to_launch.remove(needs_engine)
        if launched:
            self._servers[needs_engine] = launched

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._servers.values():
            each.close()
