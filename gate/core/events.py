"""How the engine tells of its progress without knowing who listens."""

from __future__ import annotations

from typing import Protocol

from gate.core.report import ArtifactReport


class Events(Protocol):
    """A listener. Every method returns at once and raises nothing."""

    def planned(self, paths: tuple[str, ...]) -> None:
        """Say which models will be scanned."""

    def progress(self, path: str, stage: str, done: int, total: int, detail: str = "") -> None:
        """Say how far a stage of one model's scan is; `done` of `total` steps."""

    def judged(self, report: ArtifactReport) -> None:
        """Say that a model has its verdict."""


class NullEvents:
    """Listens to nothing."""

    def planned(self, paths: tuple[str, ...]) -> None:
        """Ignore it."""

    def progress(self, path: str, stage: str, done: int, total: int, detail: str = "") -> None:
        """Ignore it."""

    def judged(self, report: ArtifactReport) -> None:
        """Ignore it."""
