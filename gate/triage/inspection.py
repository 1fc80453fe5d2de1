"""All static checks of one file, and what the file says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.core.finding import Finding
from gate.core.report import ModelFacts
from gate.models.rebuild.weights_keras import unpack
from gate.triage import finite, graph, hdf5_objects, layout, zip_members
from gate.triage.checks import check
from gate.triage.findings import BeyondLimitsError, each_once
from gate.triage.problems import reading
from gate.triage.stored import StoredModel, read

# Groups of the optimizer's state: in an .h5 file, and in the weights of an archive.
_OPTIMIZER = ("optimizer_weights", "optimizer")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the static checks say of a file that could be read.

    Attributes:
        findings: Reasons to fail.
        stored: What the file says of its model; None where there are findings.
        has_optimizer_state: Whether the state of training lies beside the weights.
    """

    findings: tuple[Finding, ...] = ()
    stored: StoredModel | None = None
    has_optimizer_state: bool = False

    def with_provenance(self, facts: ModelFacts) -> ModelFacts:
        """Return the facts with what the file claims of its origin."""
        assert self.stored is not None
        return dataclasses.replace(
            facts,
            backend=self.stored.backend,
            saved_at=self.stored.saved_at,
            has_optimizer_state=self.has_optimizer_state,
        )


def inspect(file: Path, kind: ModelFormat) -> Inspection:
    """Check a file without building anything.

    A finding wins over a file that cannot be read to its end: what is proven need not be whole.

    Args:
        file: Private copy of the file.
        kind: Its format: one that is loadable, or a TensorFlow graph.

    Raises:
        IncompleteError: There is no finding, but the file is damaged (BD001) or of a kind that is not scanned (BD003).
    """
    inspector = _Inspector(file, kind)
    if kind is ModelFormat.TENSORFLOW_GRAPH:
        inspector.take(lambda: graph.check(file))
    else:
        inspector.take(lambda: layout.check(file, kind))
        if kind is ModelFormat.KERAS_ZIP:
            inspector.take(lambda: zip_members.check(file))
        may_unpack = not inspector.found
        inspector.take(inspector.architecture)
        if may_unpack:
            inspector.take(inspector.weights)
    return inspector.result()


class _Inspector:
    """Collects findings, the first reason why the file cannot be read, and what it says."""

    def __init__(self, file: Path, kind: ModelFormat) -> None:
        self.found: list[Finding] = []
        self._file, self._kind = file, kind
        self._refusal: IncompleteError | None = None
        self._stored: StoredModel | None = None
        self._has_optimizer_state = False

    def take(self, step: Callable[[], Iterable[Finding]]) -> None:
        try:
            for each in step():
                self.found.append(each)
        except BeyondLimitsError as error:
            self.found.append(error.finding)
        except IncompleteError as error:
            self._refusal = self._refusal or error

    def architecture(self) -> Iterable[Finding]:
        self._stored = read(self._file, self._kind)
        return check(self._stored)

    def weights(self) -> Iterator[Finding]:
        with _opened(self._file, self._kind) as store:
            self._has_optimizer_state = any(name in store for name in _OPTIMIZER)
            yield from hdf5_objects.check(store)
            if not self.found and self._refusal is None:
                yield from finite.check(store)

    def result(self) -> Inspection:
        if self.found:
            return Inspection(each_once(self.found))
        if self._refusal is not None:
            raise self._refusal
        return Inspection((), self._stored, self._has_optimizer_state)


@contextmanager
def _opened(file: Path, kind: ModelFormat) -> Iterator[Any]:
    """Open the HDF5 data of a model, in an archive or bare."""
    import h5py

    what = "The weights' HDF5 data" if kind is ModelFormat.KERAS_ZIP else "The HDF5 file"
    with reading(what):
        source = unpack(file) if kind is ModelFormat.KERAS_ZIP else file
        with h5py.File(source, "r") as store:
            yield store
