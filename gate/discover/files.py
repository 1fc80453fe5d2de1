"""Turn paths, patterns and lists of names into the model files that they mean."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.core import rules
from gate.core.errors import IncompleteError, UsageError
from gate.core.report import Gap
from gate.core.text import printable
from gate.discover.listing import parse_list
from gate.discover.pointers import DVC_SUFFIX, DvcOutput, parse_dvc, read_dvc
from gate.discover.walk import Tree, matches, walk

MODEL_SUFFIXES = (".h5", ".hdf5", ".keras")

_SAVED_MODEL = re.compile(r"(?:^|/)saved_model\.pb(?:txt)?$", re.IGNORECASE)
_SAVED_WEIGHTS = re.compile(r"(?:^|(?<=/))variables/variables\.(?:index|data-\d+-of-\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be a model, not read yet.

    Attributes:
        path: Name to show, relative to the root where possible, with forward slashes.
        file: Where it lies in the working tree.
        blob: Git object that holds the content; "" if `file` does.
        tracked: What DVC says the content must be; None if DVC does not track it.
        base: Git object that lies under this path at the commit that is compared with; "" if there is none.
    """

    path: str
    file: Path
    blob: str = ""
    tracked: DvcOutput | None = None
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The models of a run, and what could not be selected.

    Attributes:
        candidates: Sorted by path, each path once, none that has a gap.
        gaps: (path, why it will not be scanned), sorted by path, each path once.
        notices: Remarks on the selection as a whole.
    """

    candidates: tuple[Candidate, ...] = ()
    gaps: tuple[tuple[str, Gap], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a model nor a gap."""
        return not self.candidates and not self.gaps


def merge(selections: Iterable[Selection]) -> Selection:
    """Return one selection of all, each path once.

    A gap wins over a candidate. Where both git and DVC hold a file, git's content must be what DVC says;
    where two ``.dvc`` files claim one, neither may hide the other.
    """
    parts = tuple(selections)
    gaps = {path: gap for part in parts for path, gap in part.gaps}
    candidates: dict[str, Candidate] = {}
    for candidate in (candidate for part in parts for candidate in part.candidates):
        known = candidates.get(candidate.path, candidate)
        tracked, claim = known.tracked or candidate.tracked, candidate.tracked or known.tracked
        if tracked and claim and tracked.md5 != claim.md5:
            gaps[candidate.path] = _contested(candidate.path, tracked, claim)
        candidates[candidate.path] = replace(
            known, blob=known.blob or candidate.blob, base=known.base or candidate.base, tracked=tracked
        )
    return Selection(
        candidates=tuple(candidates[path] for path in sorted(candidates.keys() - gaps.keys())),
        gaps=tuple(sorted(gaps.items(), key=lambda item: item[0])),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
    )


def from_paths(arguments: Sequence[str], root: Path) -> Selection:
    """Select the models that files, directories and patterns name.

    A file named in full is selected whatever it is called; in directories, and where a pattern's last
    part is only stars, names decide.

    Args:
        arguments: Paths, relative to `root` or absolute; patterns that no shell expanded may hold ``**``.
        root: Directory that names are shown relative to.

    Raises:
        UsageError: An argument names nothing that exists.
    """
    return merge(_named(argument, root) for argument in arguments)


def from_list(source: bytes, root: Path) -> Selection:
    """Select the models among the names of a list, such as `git diff --name-only` prints.

    Args:
        source: Names separated by NUL if there is any, else by line breaks.
        root: Directory that the names are relative to.
    """
    names = parse_list(source)
    selection = merge(_listed(name, root) for name in names if is_model(name))
    skipped = sum(not is_model(name) for name in names)
    remarks = [f"{skipped} listed name(s) do not look like models."] if skipped else []
    if selection.is_empty:
        remarks.append("The list names no model.")
    return merge([selection, Selection(notices=tuple(remarks))])


def model_path(path: str) -> str:
    """Return the model that a file belongs to by its name; "" if to none.

    The weights of a SavedModel belong to the ``saved_model.pb`` above them.
    """
    if path.lower().endswith(MODEL_SUFFIXES) or is_saved_model(path):
        return path
    weights = _SAVED_WEIGHTS.search(path)
    return path[: weights.start()] + "saved_model.pb" if weights else ""


def is_saved_model(path: str) -> bool:
    """Return whether a name is that of a SavedModel's graph."""
    return _SAVED_MODEL.search(path) is not None


def is_model(path: str) -> bool:
    """Return whether a name looks like a model, part of one, or a ``.dvc`` file that may stand for one."""
    return bool(model_path(path)) or path.lower().endswith(DVC_SUFFIX)


def select_dvc(path: str, file: Path, source: bytes, *, is_explicit: bool = False) -> Selection:
    """Select the models that a ``.dvc`` file stands for.

    Args:
        path: Path of the ``.dvc`` file, as shown.
        file: Where it lies in the working tree.
        source: Its content.
        is_explicit: Whether the user named it, so that it stands for models whatever they are called.
    """
    try:
        outputs = parse_dvc(source, path)
    except IncompleteError as error:
        return Selection(gaps=((path, error.gap),))
    return merge(_tracked(output, file, is_explicit) for output in outputs)


def _tracked(output: DvcOutput, file: Path, is_explicit: bool) -> Selection:
    shown = posixpath.normpath(posixpath.join(posixpath.dirname(output.pointer), output.path))
    if output.is_directory:
        message = (
            f"{output.pointer}: DVC tracks a directory; models in it are scanned only where they lie. "
            f"Fetch it and name {shown}/ as well."
        )
        if not is_explicit:
            return Selection(notices=(message,))
        return Selection(gaps=((shown, Gap(rule=rules.UNSUPPORTED.id, message=message)),))
    if not is_explicit and not model_path(shown):
        return Selection()
    return Selection(candidates=(Candidate(path=shown, file=file.parent / output.path, tracked=output),))


def _contested(path: str, one: DvcOutput, other: DvcOutput) -> Gap:
    return Gap(
        rule=rules.UNREADABLE.id,
        message=f"{path}: {one.pointer} and {other.pointer} both claim this file, with different digests, so it is "
        "not settled which model is meant. Remove one of the two.",
    )


def _named(argument: str, root: Path) -> Selection:
    place = root / argument
    if argument and os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises on names that are too long
        return _below(argument, place, root)
    if argument and os.path.lexists(place):
        return _file(place, root, is_explicit=True)
    if glob.has_magic(argument):
        return _matching(argument, root)
    raise UsageError(
        f"PATH: expected a model file, a directory or a pattern, received {printable(argument)!r}, "
        f"which does not exist in {printable(str(root))}.",
        hint="Check the spelling, and that the model was checked out or fetched.",
    )


def _below(argument: str, directory: Path, root: Path) -> Selection:
    tree = walk(directory)
    found = merge([*(_file(file, root) for file in tree.files), _unseen(tree, root)])
    if not found.is_empty:
        return found
    kinds = ", ".join((*MODEL_SUFFIXES, "SavedModel"))
    return merge([found, Selection(notices=(f"No model ({kinds}) in {argument}.",))])


def _unseen(tree: Tree, root: Path) -> Selection:
    closed = [_shown(place, root) for place in tree.closed]
    links = ", ".join(_shown(link, root) for link in tree.links)
    return Selection(
        gaps=tuple((path, _closed(path)) for path in closed),
        notices=(f"Links to directories are not followed: {links}.",) if links else (),
    )


def _closed(path: str) -> Gap:
    return Gap(
        rule=rules.UNREADABLE.id,
        message=f"{path}: cannot be listed, so models in it would be missed. "
        "Let the user who runs the gate read the directory.",
    )


def _matching(argument: str, root: Path) -> Selection:
    parts = Path(argument).parts
    literal = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    pattern = parts[literal:]
    top = root.joinpath(*parts[:literal])
    tree = walk(top)
    selections = []
    for file in tree.files:
        found = file.relative_to(top).parts
        if matches(found, pattern):
            selections.append(_file(file, root, is_explicit=bool(pattern[-1].strip("*"))))
        elif any(matches(found[:end], pattern) for end in range(1, len(found))):
            selections.append(_file(file, root))
    if not selections:
        raise UsageError(
            f"PATH: expected a pattern that matches a file, received {printable(argument)!r}.",
            hint="`**` stands for any directories, as in 'models/**/*.keras'.",
        )
    return merge([*selections, _unseen(tree, root)])


def _listed(name: str, root: Path) -> Selection:
    file = root / name
    if os.path.lexists(file):
        return _file(file, root)
    gap = Gap(
        rule=rules.UNREADABLE.id,
        message=f"{name}: listed, but not here. Restore it, or leave deleted files off the list "
        "(`git diff --name-only --diff-filter=d`).",
    )
    return Selection(gaps=((_shown(file, root), gap),))


def _file(file: Path, root: Path, *, is_explicit: bool = False) -> Selection:
    path = _shown(file, root)
    if path.lower().endswith(DVC_SUFFIX):
        return _dvc(path, file, is_explicit)
    model = model_path(path) or (path if is_explicit else "")
    if not model:
        return Selection()
    place = file if model == path else file.parent.parent / posixpath.basename(model)
    return Selection(candidates=(Candidate(path=model, file=place),))


def _dvc(path: str, file: Path, is_explicit: bool) -> Selection:
    try:
        source = read_dvc(file, path)
    except IncompleteError as error:
        return Selection(gaps=((path, error.gap),))
    return select_dvc(path, file, source, is_explicit=is_explicit)


def _shown(file: Path, root: Path) -> str:
    # ".." after a link to a directory leads elsewhere than the spelling suggests.
    place = file.parent.resolve() / file.name if ".." in file.parts else file
    base = root.resolve() if ".." in file.parts else root
    return (place.relative_to(base) if place.is_relative_to(base) else place).as_posix()
