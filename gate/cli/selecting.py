"""Which models `check` is asked to scan."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gate.core.errors import IncompleteError, UsageError, usable
from gate.discover import files, git
from gate.discover.base import resolve
from gate.discover.selection import Selection
from gate.discover.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What to scan, and the commit that it is compared with.

    Attributes:
        selection: The models.
        tree: The files of the base; None if nothing is compared, or the base is not known.
    """

    selection: Selection
    tree: Tree | None = None

    def with_notices(self, notices: tuple[str, ...]) -> Selection:
        """Return what to scan, with further remarks."""
        return replace(self.selection, notices=(*self.selection.notices, *notices))


def select(
    paths: tuple[str, ...],
    *,
    staged: bool,
    diff: str | None,
    files_from: str | None,
    root: Path,
    environ: Mapping[str, str],
) -> Selected:
    """Return what the options of `check` name.

    Raises:
        UsageError: Several ways at once, or one that makes no sense here.
    """
    chosen = sum((bool(paths), staged, diff is not None, files_from is not None))
    if chosen > 1:
        raise UsageError(
            "Expected one of PATH, --staged, --diff and --files-from, received several.", hint="Choose one."
        )
    try:
        if diff is not None:
            tree = Tree(base=resolve(diff, root, environ), environ=environ)
            return Selected(selection=git.changed(diff, root, environ), tree=tree)
        if staged:
            return Selected(selection=git.staged(root, environ))
    except IncompleteError as error:
        # Not known is not none: the run ends with 3, and its reports say why.
        return Selected(selection=Selection(failure=error.gap))
    if files_from is not None:
        return Selected(selection=files.from_list(_read_list(files_from), root))
    return Selected(selection=files.from_paths(paths or (".",), root))


def _read_list(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with usable(f"--files-from: {name} cannot be read", "Name a file, or -."):
        return Path(name).read_bytes()
