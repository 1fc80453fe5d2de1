"""Entries on disk: each whole or not at all, the least used ones first to go."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.cache.entry import LARGEST

_VERSION = "v1"
_ENTRY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a cache takes up.

    Attributes:
        entries: How many there are.
        bytes: How large they are together.
    """

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of entries; other files in it are left alone.

    Attributes:
        top: Where it is; it may not exist yet.
    """

    top: Path

    def read(self, key: str) -> bytes | None:
        """Return an entry's content, at most one byte more than an entry may have; None if there is no entry.

        Raises:
            OSError: It is there and cannot be read.
        """
        try:
            descriptor = os.open(self._file(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            with suppress(OSError):  # a cache that may only be read
                os.utime(descriptor)  # the least used entries go first
            return stream.read(LARGEST + 1)

    def write(self, key: str, content: bytes) -> None:
        """Put an entry into its place.

        Raises:
            OSError: There is no room, or no right to.
        """
        file = self._file(key)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, half = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            Path(half).replace(file)
        except BaseException:
            Path(half).unlink(missing_ok=True)
            raise

    def keys(self) -> Iterator[str]:
        """Yield the keys of all entries."""
        yield from (file.name for file in self._files())

    def usage(self) -> Usage:
        """Return what all entries take up."""
        sizes = [about.st_size for _, about in self._described()]
        return Usage(entries=len(sizes), bytes=sum(sizes))

    def prune(self, max_bytes: int, older_than: float | None = None) -> Usage:
        """Remove the least used entries until the rest is small enough.

        Args:
            max_bytes: What the rest may take up.
            older_than: Remove all that were last used before, in seconds since 1970; None for none.

        Returns:
            What was removed.
        """
        described = sorted(self._described(), key=lambda each: (-each[1].st_mtime, each[0]))
        kept = removed = count = 0
        for file, about in described:
            is_old = older_than is not None and about.st_mtime < older_than
            if not is_old and kept + about.st_size <= max_bytes:
                kept += about.st_size
                continue
            with suppress(OSError):
                file.unlink()
                removed, count = removed + about.st_size, count + 1
        return Usage(entries=count, bytes=removed)

    def _file(self, key: str) -> Path:
        return self.top / _VERSION / key[:2] / key

    def _files(self) -> Iterator[Path]:
        for file in sorted((self.top / _VERSION).glob("??/*")):
            if _ENTRY.fullmatch(file.name):
                yield file

    def _described(self) -> Iterator[tuple[Path, os.stat_result]]:
        for file in self._files():
            with suppress(OSError):  # another run removed it
                yield file, file.lstat()
