"""Progress on a terminal: one bar per model in work, on standard error, gone when the report comes."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

from gate.cli.terminal import environment, terminal
from gate.core.events import Events, NullEvents
from gate.core.report import ArtifactReport
from gate.core.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_NAME = 38


def listener() -> AbstractContextManager[Events]:
    """Return who listens to a run: bars where a person watches, else nobody."""
    screen = terminal(sys.stderr, environment())
    return ProgressBars(color=screen.color) if screen.is_live else nullcontext(NullEvents())


class ProgressBars:
    """Listens to a run and draws it."""

    def __init__(self, *, color: bool) -> None:
        self._bars = _bars(color=color)
        self._tasks: dict[str, tuple[str, TaskID]] = {}
        self._overall: TaskID | None = None

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def planned(self, paths: tuple[str, ...]) -> None:
        """Draw a bar for the run if there is more than one model."""
        if len(paths) > 1:
            self._overall = self._bars.add_task("models", total=len(paths), detail="")

    def progress(self, path: str, stage: str, done: int, total: int, detail: str = "") -> None:
        """Draw the model's stage; a new stage begins a new bar, so that its time left is its own."""
        known = self._tasks.get(path)
        if known is None or known[0] != stage:
            if known is not None:
                self._bars.remove_task(known[1])
            task = self._bars.add_task(_short(path), total=total or None, detail=stage)
            known = self._tasks[path] = (stage, task)
        shown = f"{stage}, {detail}" if detail else stage
        self._bars.update(known[1], completed=done, total=total or None, detail=printable(shown, 60))

    def judged(self, report: ArtifactReport) -> None:
        """Take the model's bar away."""
        known = self._tasks.pop(report.artifact.path, None)
        if known is not None:
            self._bars.remove_task(known[1])
        if self._overall is not None:
            self._bars.advance(self._overall)


def _bars(*, color: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True, no_color=not color),
        transient=True,
    )


def _short(path: str) -> str:
    shown = printable(path)
    return shown if len(shown) <= _NAME else "…" + shown[-_NAME + 1 :]
