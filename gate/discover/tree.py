"""Read the files of a commit, where what lies in the working tree is not to be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.core.fence import inside, open_inside, unlinked
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
        """Return the first `limit` bytes of a file.

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

    def lying(self, path: Path) -> Path:
        """Return where data lie that the policy names: of the repository in its working tree, without links.

        Raises:
            OSError: The change under judgement could have put a link on the way.
        """
        within = inside(path, self.base.top)
        return path.resolve() if within is None else unlinked(within, self.base.top)

    def leads_out(self, source: Path, target: Path) -> bool:
        """Return False: what the base says was reviewed."""
        return False

    def quotes(self, path: Path) -> bool:
        """Return True: what the base holds, whoever reads the messages can read."""
        return True

    def touched(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Return those of the files (absolute) in the repository that the change touches, relative to the top, sorted."""
        inside = sorted({name for name in map(self._inside, paths) if name})
        return tuple(name for name in inside if all(self._differs(name, fork) for fork in self.base.forks))

    def _differs(self, name: str, fork: str) -> bool:
        if self._is_led_away(name):
            return True
        # A diff would leave out what git does not track yet, but the gate would read it.
        ours = attempt(("hash-object", "--", name), self.base.top, self.environ)
        theirs = attempt(("rev-parse", "--verify", "--quiet", f"{fork}:{name}"), self.base.top, self.environ)
        return ours.stdout != theirs.stdout

    def _is_led_away(self, name: str) -> bool:
        """Return whether something that is no file of the repository lies under a name: git would read it."""
        if not os.path.lexists(self.base.top / name):
            return False
        try:
            open_inside(Path(name), self.base.top).close()
        except OSError:
            return True
        return False

    def _inside(self, path: Path) -> str:
        within = inside(path, self.base.top)
        return "" if within is None else within.as_posix()

    def _entry(self, path: str) -> str:
        # "MODE TYPE BLOB" TAB PATH NUL, or nothing.
        found = git(
            ("ls-tree", "-z", "--full-tree", self.base.commit, "--", f":(literal){path}"),
            self.base.top,
            self.environ,
        )
        return os.fsdecode(found).partition("\t")[0]
