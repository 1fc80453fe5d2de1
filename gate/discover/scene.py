"""What a change is seen against: the index or the working tree, and what lies beside a changed file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gate.discover import unpacked
from gate.discover.blobs import looks
from gate.discover.content import NOTHING, Look, look
from gate.discover.pointers import LfsPointer
from gate.discover.repository import git, line

# Those of an unpacked model, and what DVC leaves in their place.
_BESIDE = tuple(f":(glob,icase)**/{name}*" for name in (unpacked.CONFIG, *unpacked.WEIGHTS))
_DVC = ".dvc"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A repository, and which content of it counts.

    Attributes:
        top: Its top directory.
        environ: Environment for git.
        is_staged: Whether the index counts, and not the working tree.
    """

    top: Path
    environ: Mapping[str, str]
    is_staged: bool

    def blob(self, path: str, blob: str) -> str:
        """Return the git object that holds a file's content; "" if the working tree does."""
        # A sparse checkout lacks files that did change; git has their content.
        return blob if self.is_staged or not os.path.lexists(self.top / path) else ""

    def looks(self, files: Mapping[str, str]) -> Iterator[tuple[str, Look]]:
        """Yield what the bytes of files say, those of Git LFS where a pointer stands for them.

        Args:
            files: Path -> git object; "" if only the working tree has the content.

        Raises:
            IncompleteError: git failed.
        """
        blobs = {path: self.blob(path, blob) for path, blob in files.items()}
        of_blobs = looks([blob for blob in blobs.values() if blob], self.top, self.environ)
        for path, blob in blobs.items():
            yield path, self._resolved(of_blobs[blob] if blob else look(self.top / path))

    def weights_beside(self, path: str) -> str:
        """Return the weights of the unpacked model that a file belongs to; "" if it belongs to none."""
        return unpacked.weights_beside(path, self._exists) if unpacked.is_part(path) else ""

    def is_unpacked(self, path: str) -> bool:
        """Return whether weights are those of an unpacked model."""
        return unpacked.is_part(path) and unpacked.is_unpacked(path, self._exists)

    def _resolved(self, seen: Look) -> Look:
        if seen.pointer is None or not seen.pointer.oid:
            return seen
        found = look(self._lfs_object(seen.pointer))
        # What lies there in full is known; the rest is not.
        return found if found != NOTHING or self._lfs_object(seen.pointer).exists() else seen

    def _lfs_object(self, pointer: LfsPointer) -> Path:
        oid = pointer.oid
        return self._lfs / oid[:2] / oid[2:4] / oid

    @cached_property
    def _lfs(self) -> Path:
        common = line(git(("rev-parse", "--git-common-dir"), self.top, self.environ))
        return self.top / common / "lfs" / "objects"

    def _exists(self, path: str) -> bool:
        if path in self._tracked or f"{path}{_DVC}" in self._tracked:
            return True
        return not self.is_staged and os.path.lexists(self.top / path)

    @cached_property
    def _tracked(self) -> frozenset[str]:
        """Files in the index that may be parts of unpacked models."""
        listed = git(("ls-files", "-z", "--full-name", "--", *_BESIDE), self.top, self.environ)
        return frozenset(os.fsdecode(name) for name in listed.split(b"\0") if name)
