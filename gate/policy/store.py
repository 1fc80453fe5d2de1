"""Where the files of a repository are read from: the working tree, or a commit that a change cannot touch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """The files as they lie on the disk.

    Attributes:
        root: Folder that names are shown relative to.
    """

    root: Path

    def label(self, path: Path) -> str:
        """Return the path relative to the root, if it is inside."""
        plain, top = Path(os.path.normpath(path)), os.path.normpath(self.root)
        return (plain.relative_to(top) if plain.is_relative_to(top) else plain).as_posix()

    def holds(self, path: Path) -> bool:
        """Return whether something has this name; a dangling link does."""
        return os.path.lexists(path)

    def read(self, path: Path, limit: int) -> bytes:
        """Return the first `limit` bytes of a regular file."""
        # A pipe or a device would never end.
        if path.exists() and not path.is_file():
            raise OSError(0, "a directory or device")
        with path.open("rb") as stream:
            return stream.read(limit)
