"""Match paths against patterns the way `.gitignore` does."""

from __future__ import annotations

from collections.abc import Set
from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    """Return whether a path, or a directory that holds it, fits the pattern.

    A pattern without a slash (but for a trailing one) fits at any depth, others start at the root. ``*``, ``?``
    and ``[a-z]`` stay within one name, ``**`` spans any number of directories, a trailing ``/`` or ``/**`` means
    what is inside. Letters match in their own case only. ``[*]`` is a literal star.

    Args:
        pattern: Such as ``models/**/*.h5``.
        path: Relative to the root, with forward slashes.
    """
    wanted = _segments(pattern)
    if not wanted:
        return False
    alive = _skip_stars(wanted, {0})
    for name in path.split("/"):
        if name == ".":
            continue
        alive = _skip_stars(wanted, _step(wanted, alive, name))
        if len(wanted) in alive:
            return True
    return False


def _segments(pattern: str) -> tuple[str, ...]:
    is_anchored = "/" in pattern.rstrip("/")
    segments = [name.replace("[^", "[!") for name in pattern.split("/") if name not in ("", ".")]
    if not segments:
        return ()
    if segments[-1] == "**":
        segments[-1] = "*"
    if pattern.endswith("/"):
        segments.append("*")
    return tuple(segments) if is_anchored else ("**", *segments)


# A set of positions instead of a regular expression: no pattern can make it backtrack.
def _step(wanted: tuple[str, ...], alive: Set[int], name: str) -> set[int]:
    waiting = {at for at in alive if wanted[at] == "**"}
    moved = {at + 1 for at in alive - waiting if fnmatchcase(name, wanted[at])}
    return waiting | moved


def _skip_stars(wanted: tuple[str, ...], alive: set[int]) -> set[int]:
    for at, segment in enumerate(wanted):
        if at in alive and segment == "**":
            alive.add(at + 1)
    return alive
