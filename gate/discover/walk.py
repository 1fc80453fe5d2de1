"""Find the files below a directory, in the same order on every machine, without following links."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What lies below a directory.

    Attributes:
        files: Everything that is not a directory, links to files included; sorted.
        links: Links to directories, which were not followed; sorted.
        closed: Directories that could not be listed; sorted.
    """

    files: tuple[Path, ...]
    links: tuple[Path, ...]
    closed: tuple[Path, ...]


def walk(top: Path) -> Tree:
    """List everything below `top`, apart from git's own directories."""
    files: list[Path] = []
    links: list[Path] = []
    closed: list[Path] = []
    # A stack instead of os.walk, which recurses before Python 3.12: a deep enough tree would crash it.
    pending = [top]
    while pending:
        directory = pending.pop()
        try:
            entries = tuple(os.scandir(directory))
        except OSError:
            closed.append(directory)
            continue
        for entry in entries:
            place = directory / entry.name
            if entry.is_dir(follow_symlinks=False):
                pending += [place] if entry.name != ".git" else []
            else:
                (links if place.is_dir() else files).append(place)
    return Tree(files=tuple(sorted(files)), links=tuple(sorted(links)), closed=tuple(sorted(closed)))


def matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether a path matches a glob, both split at the slashes; ``**`` stands for any directories."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])
