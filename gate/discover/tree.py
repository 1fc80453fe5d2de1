"""Read the files of a commit, where what lies in the working tree is not to be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.discover.base import Base
from gate.discover.repository import attempt, git

_REGULAR = "100"  # begins the mode of a file; links, directories and submodules have others


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a repository as a commit holds them; files outside the repository as they lie.

    Attributes:
        base: The commit.
        environ: Environment for git.
    """

    base: Base
    environ: Mapping[str, str]

    def label(self, path: Path) -> str:
        """Return what to call a file: as `git show` does, if the commit holds it."""
        inside = self._inside(path)
        return f"{self.base.short}:{inside}" if inside else path.as_posix()

    def holds(self, path: Path) -> bool:
        """Return whether there is anything at this absolute path, be it something that cannot be read."""
        inside = self._inside(path)
        return bool(self._entry(inside)) if inside else os.path.lexists(path)

    def read(self, path: Path, limit: int) -> bytes:
        """Return the first bytes of a file.

        Args:
            path: Absolute.
            limit: Bytes that are enough.

        Raises:
            OSError: There is no such file; links are not followed.
            IncompleteError: git failed.
        """
        inside = self._inside(path)
        if not inside:
            with path.open("rb") as stream:
                return stream.read(limit)
        mode, blob = [*self._entry(inside).split(), "", "", ""][:3:2]
        if not mode.startswith(_REGULAR):
            raise FileNotFoundError(0, f"no regular file in {self.base.short}")
        return git(("cat-file", "blob", blob), self.base.top, self.environ)[:limit]

    def touched(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Return those of the files that the change itself touches, relative to the top, sorted.

        Args:
            paths: Absolute; those outside the repository do not count.
        """
        inside = sorted({name for name in map(self._inside, paths) if name})
        return tuple(name for name in inside if all(self._differs(name, fork) for fork in self.base.forks))

    def _differs(self, name: str, fork: str) -> bool:
        # A diff would leave out what git does not track yet, but the gate would read it.
        ours = attempt(("hash-object", "--", name), self.base.top, self.environ)
        theirs = attempt(("rev-parse", "--verify", "--quiet", f"{fork}:{name}"), self.base.top, self.environ)
        return ours.stdout != theirs.stdout

    def _inside(self, path: Path) -> str:
        # As it is spelt, before links are followed: the change could have put the links there.
        plain = Path(os.path.normpath(path))
        for place in (plain, plain.parent.resolve() / plain.name):
            if place.is_relative_to(self.base.top):
                return place.relative_to(self.base.top).as_posix()
        return ""

    def _entry(self, path: str) -> str:
        # "MODE TYPE BLOB" TAB PATH NUL, or nothing.
        found = git(
            ("ls-tree", "-z", "--full-tree", self.base.commit, "--", f":(literal){path}"),
            self.base.top,
            self.environ,
        )
        return os.fsdecode(found).partition("\t")[0]
