"""Where the files of a repository are read from: the working tree, or a commit that a change cannot touch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from gate.core.fence import inside, open_inside, unlinked


class Store(Protocol):
    """Reads files by their absolute path."""

    def label(self, path: Path) -> str:
        """Return what messages and reports call a file."""

    def holds(self, path: Path) -> bool:
        """Return whether there is anything at a path, be it something that cannot be read."""

    def read(self, path: Path, limit: int) -> bytes:
        """Return the first `limit` bytes of a regular file.

        Raises:
            OSError: There is none, or it may not be read.
            ValueError: No file can have this name.
        """

    def lying(self, path: Path) -> Path:
        """Return where data lie that the policy names; those are read from the working tree, whoever judges.

        Raises:
            OSError: The change under judgement could lead the way elsewhere.
        """

    def leads_out(self, source: Path, target: Path) -> bool:
        """Return whether a file that the change may have written names one that is none of the repository."""

    def quotes(self, path: Path) -> bool:
        """Return whether messages may quote a file that turns out to be something else than it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """The files as they lie on the disk.

    Attributes:
        root: Folder that names are shown relative to.
        fence: Top of the repository, where a change under judgement may have written its files: of those only regular
            ones are read, and no link is followed. None where nobody but the user is at work.
        own: Places that the user vouches for, so that no fence is around them; absolute.
        is_closed: Whether whatever else lies outside of the fence is not read, for it is the change that asks.
    """

    root: Path
    fence: Path | None = None
    own: tuple[Path, ...] = ()
    is_closed: bool = False

    def label(self, path: Path) -> str:
        """Return the path relative to the root, if it is inside."""
        plain, top = Path(os.path.normpath(path)), os.path.normpath(self.root)
        return (plain.relative_to(top) if plain.is_relative_to(top) else plain).as_posix()

    def holds(self, path: Path) -> bool:
        """Return whether something has this name; a dangling link does."""
        return os.path.lexists(path)

    def read(self, path: Path, limit: int) -> bytes:
        """Return the first `limit` bytes of a regular file."""
        with self._open(path) as stream:
            return stream.read(limit)

    def lying(self, path: Path) -> Path:
        """Return the path, of a change's files as it is spelt; else where links lead."""
        if fenced := self._fenced(path):
            return unlinked(*fenced)
        self._require_open(path)
        return path.resolve()

    def leads_out(self, source: Path, target: Path) -> bool:
        """Return whether a file within the fence names one beyond it."""
        return self.is_fenced(source) and not self.is_fenced(target) and not self._is_own(target)

    def is_fenced(self, path: Path) -> bool:
        """Return whether the change may have written a file."""
        return self._fenced(path) is not None

    def quotes(self, path: Path) -> bool:
        """Return whether the file is the user's own, and no link that somebody committed leads to it."""
        if self.fence:
            return not self.is_fenced(path)
        plain, top = Path(os.path.normpath(path)), Path(os.path.normpath(self.root))
        if not plain.is_relative_to(top):
            return True
        return Path(os.path.realpath(plain)) == Path(os.path.realpath(top), plain.relative_to(top))

    def _open(self, path: Path) -> BinaryIO:
        if fenced := self._fenced(path):
            return open_inside(*fenced)
        self._require_open(path)
        # A pipe or a device would never end.
        if path.exists() and not path.is_file():
            raise OSError(0, "a directory or device")
        return path.open("rb")

    def _fenced(self, path: Path) -> tuple[Path, Path] | None:
        if self.fence is None or self._is_own(path):
            return None
        relative = inside(path, self.fence)
        return None if relative is None else (relative, self.fence)

    def _is_own(self, path: Path) -> bool:
        return any(Path(os.path.normpath(path)).is_relative_to(place) for place in self.own)

    def _require_open(self, path: Path) -> None:
        if self.is_closed and not self._is_own(path):
            raise OSError(0, "a file outside of the repository")
