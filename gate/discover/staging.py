"""Copy a model once into a private directory, so that what is hashed is what is scanned."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gate.core import incomplete_rules
from gate.core.artifact import Artifact, ModelFormat
from gate.core.errors import IncompleteError
from gate.core.report import Gap
from gate.discover.conversion import conversion
from gate.discover.dvc_cache import cached
from gate.discover.git import blob_size, lfs_object, read_blob
from gate.discover.kinds import kind_of, objection, read_head
from gate.discover.opening import open_regular
from gate.discover.pointers import DvcOutput, LfsPointer, dvc_gap, lfs_gap, parse_lfs
from gate.discover.selection import Candidate
from gate.discover.unpacked import unpacked_gap

_CHUNK = 1 << 20
_KINDS = {".h5": ModelFormat.HDF5, ".hdf5": ModelFormat.HDF5, ".keras": ModelFormat.KERAS_ZIP}
_NAMES = {
    ModelFormat.HDF5: "model.h5",
    ModelFormat.KERAS_ZIP: "model.keras",
    ModelFormat.TENSORFLOW_GRAPH: "model.pb",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A model ready to scan, or the reason why it is not.

    Attributes:
        artifact: What was read; of a pointer without its object, the pointer.
        file: The private copy, named by its content; None if there is a gap.
        gap: Why there is no copy; None if there is one.
        promised: The model that a Git LFS pointer stands for, by the pointer's word; None if it is no pointer, or the
            model is here.
    """

    artifact: Artifact
    file: Path | None = None
    gap: Gap | None = None
    promised: Artifact | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.gap is None):
            raise ValueError(f"{self.artifact.path}: expected either a file or a gap")


def stage(
    candidate: Candidate, directory: Path, max_bytes: int, *, root: Path, environ: Mapping[str, str]
) -> Staged:
    """Read a model once, into a copy that nobody else writes to.

    Args:
        candidate: The model.
        directory: Private and empty; the copy becomes ``model.h5``, ``model.keras`` or ``model.pb`` in it.
        max_bytes: Larger models are refused.
        root: A directory of the repository, for git objects.
        environ: Environment for git.
    """
    copy = directory / "model"
    staging = _Staging(candidate=candidate, copy=copy, max_bytes=max_bytes, root=root, environ=environ)
    try:
        staged = staging.run()
    except IncompleteError as error:
        staged = staging.refused(error.gap)
    if staged.gap:
        copy.unlink(missing_ok=True)
    return staged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staging:
    candidate: Candidate
    copy: Path
    max_bytes: int
    root: Path
    environ: Mapping[str, str]

    def run(self) -> Staged:
        if self.candidate.is_unpacked:
            # Without a digest, so that no waiver for the weights covers what the file beside them makes of them.
            return self.refused(unpacked_gap(self.candidate.path))
        tracked = self.candidate.tracked
        if tracked is None:
            self.fetch()
        elif not self.fetch_tracked(tracked):
            return self.refused(dvc_gap(self.candidate.path, tracked))
        artifact = _describe(self.candidate.path, self.copy)
        if gap := self.converted(artifact, tracked):
            return Staged(artifact=artifact, gap=gap)
        pointer = parse_lfs(read_head(self.copy))
        return self.resolve(artifact, pointer) if pointer else _admit(artifact, self.copy)

    def converted(self, artifact: Artifact, tracked: DvcOutput | None) -> Gap | None:
        """Return why the content is not what git has; what DVC tracks is known by DVC's digest."""
        committed = self.candidate.committed
        if committed is None or tracked is not None:
            return None
        return conversion(artifact, self.copy, self.candidate.file, committed, self.root, self.environ)

    def refused(self, gap: Gap) -> Staged:
        """Of a file that was not read; of one that DVC tracks, the .dvc file was."""
        path, tracked = self.candidate.path, self.candidate.tracked
        if tracked is None:
            artifact = Artifact(path=path, sha256="", size=0, format=ModelFormat.UNKNOWN)
        else:
            artifact = Artifact(
                path=path,
                sha256=tracked.pointer_sha256,
                size=tracked.pointer_size,
                format=ModelFormat.DVC_POINTER,
            )
        return Staged(artifact=artifact, gap=gap)

    def fetch(self) -> None:
        if not self.candidate.blob:
            # DVC may keep links in the working tree; the digest tells whether they lead to the right file.
            self.read(self.candidate.file, follow=self.candidate.tracked is not None)
            return
        self.require_small(blob_size(self.candidate.blob, self.root, self.environ))
        with self.copy.open("wb") as target:
            read_blob(self.candidate.blob, target, self.root, self.environ)

    def fetch_tracked(self, tracked: DvcOutput) -> bool:
        """Return whether the content that DVC names is on this machine, and copied."""
        # os.path says False where Path would raise: a hostile .dvc file may name a path that is too long.
        if self.candidate.blob or os.path.exists(self.candidate.file):  # noqa: PTH110
            self.fetch()
            if _digest(self.copy, "md5") == tracked.md5:
                return True
        for place in () if self.candidate.blob else cached(tracked.md5, self.candidate.file):
            with suppress(IncompleteError):  # the gap says what is missing
                self.read(place, follow=True)
                if _digest(self.copy, "md5") == tracked.md5:
                    return True
        return False

    def resolve(self, artifact: Artifact, pointer: LfsPointer) -> Staged:
        """Replace an LFS pointer by its object, if a file with the right digest is on this machine."""
        try:
            self.require_small(pointer.size)
        except IncompleteError as error:
            return Staged(artifact=artifact, gap=error.gap)
        for place in self.places(pointer):
            with suppress(IncompleteError):  # the gap below says what is missing
                self.read(place)
                found = _describe(self.candidate.path, self.copy)
                if found.sha256 == pointer.oid:
                    return _admit(found, self.copy)
        gap = lfs_gap(self.candidate.path, pointer)
        return Staged(artifact=artifact, gap=gap, promised=_promised(self.candidate.path, pointer))

    def places(self, pointer: LfsPointer) -> Iterator[Path]:
        if self.candidate.blob:  # the working tree usually holds the model of the index entry
            yield self.candidate.file
        if store := lfs_object(pointer.oid, self.root, self.environ):
            yield store

    def read(self, file: Path, *, follow: bool = False) -> None:
        with open_regular(file, self.candidate.path, follow=follow) as source:
            self.require_small(os.fstat(source.fileno()).st_size)
            try:
                with self.copy.open("wb") as target:
                    copied = _pour(source, target, self.max_bytes)
            except OSError as error:
                raise IncompleteError(
                    incomplete_rules.SCAN_FAILED.id,
                    f"{self.candidate.path}: cannot be copied for the scan: {error.strerror}.",
                    hint="Check the disk, and the free space for temporary files (TMPDIR).",
                ) from error
            self.require_small(copied)

    def require_small(self, size: int) -> None:
        if size > self.max_bytes:
            raise IncompleteError(
                incomplete_rules.SCAN_FAILED.id,
                f"{self.candidate.path}: expected at most {self.max_bytes} bytes, received {size}.",
                hint="Raise the size limit in the policy if the model is meant to be that large.",
            )


def _promised(path: str, pointer: LfsPointer) -> Artifact | None:
    """Return the model behind a pointer; of the kind that its name says, since any other is refused under it."""
    kind = _KINDS.get(PurePosixPath(path).suffix.lower())
    if kind is None or not pointer.oid:
        return None
    return Artifact(path=path, sha256=pointer.oid, size=pointer.size, format=kind)


def _pour(source: BinaryIO, target: BinaryIO, limit: int) -> int:
    """Copy until the end, or until one byte past the limit: the file may grow meanwhile."""
    copied = 0
    while chunk := source.read(min(_CHUNK, limit + 1 - copied)):
        target.write(chunk)
        copied += len(chunk)
    return copied


def _describe(path: str, copy: Path) -> Artifact:
    return Artifact(
        path=path, sha256=_digest(copy, "sha256"), size=copy.stat().st_size, format=kind_of(path, copy)
    )


def _digest(file: Path, algorithm: str) -> str:
    with file.open("rb") as stream:
        # md5 only compares with what DVC wrote down; the verdict is bound to sha256.
        return hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _admit(artifact: Artifact, copy: Path) -> Staged:
    gap = objection(artifact.path, artifact.format, read_head(copy))
    if gap:
        return Staged(artifact=artifact, gap=gap)
    return Staged(artifact=artifact, file=copy.rename(copy.with_name(_NAMES[artifact.format])))
