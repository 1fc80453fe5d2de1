"""Turn paths, patterns and lists of names into the model files that they mean."""

from __future__ import annotations

import glob
import os
import posixpath
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError, UsageError
from gate.core.report import Gap
from gate.core.text import printable
from gate.discover.content import look
from gate.discover.listing import parse_list
from gate.discover.names import MODEL_SUFFIXES, is_dvc, is_model, model_path
from gate.discover.pointers import read_dvc
from gate.discover.selection import UNKNOWN_POINTERS, Candidate, Selection, because, merge
from gate.discover.tracked import select_dvc
from gate.discover.unpacked import is_unpacked, weights_beside
from gate.discover.walk import Tree, matches, walk


def from_paths(arguments: Sequence[str], root: Path) -> Selection:
    """Select the models that files, directories and patterns name.

    A file named in full is selected whatever it is called; in directories, and where a pattern's last
    part is only stars, names decide, and where they say nothing, the content.

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
    models = [name for name in names if _may_be_model(name, root)]
    selection = because(merge(_listed(name, root) for name in models), "listed")
    skipped = len(names) - len(models)
    remarks = [f"{skipped} listed name(s) do not look like models."] if skipped else []
    if selection.is_empty:
        remarks.append("The list names no model.")
    return merge([selection, Selection(notices=tuple(remarks))])


def _may_be_model(name: str, root: Path) -> bool:
    return is_model(name) or bool(weights_beside(name, partial(_exists, root))) or look(root / name).is_model


def _named(argument: str, root: Path) -> Selection:
    place = root / argument
    if argument and os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises on names that are too long
        return because(_below(argument, place, root), f"below {argument}")
    if argument and os.path.lexists(place):
        return because(_file(place, root, is_explicit=True), "named")
    if glob.has_magic(argument):
        return because(_matching(argument, root), f"matches {argument}")
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
        rule=incomplete_rules.UNREADABLE.id,
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
        rule=incomplete_rules.UNREADABLE.id,
        message=f"{name}: listed, but not here. Restore it, or leave deleted files off the list "
        "(`git diff --name-only --diff-filter=d`).",
    )
    return Selection(gaps=((_shown(file, root), gap),))


def _file(file: Path, root: Path, *, is_explicit: bool = False) -> Selection:
    path = _shown(file, root)
    if is_dvc(path):
        return _dvc(path, file, is_explicit)
    if model := model_path(path):
        place = file if model == path else file.parent.parent / posixpath.basename(model)
        return _candidate(model, place, root)
    if weights := weights_beside(path, partial(_exists, root)):
        return _candidate(weights, root / weights, root)
    seen = look(file)
    if is_explicit or seen.is_model:
        return _candidate(path, file, root)
    return UNKNOWN_POINTERS if seen.pointer else Selection()


def _candidate(path: str, file: Path, root: Path) -> Selection:
    unpacked = is_unpacked(path, partial(_exists, root))
    return Selection(candidates=(Candidate(path=path, file=file, is_unpacked=unpacked),))


def _exists(root: Path, path: str) -> bool:
    return os.path.lexists(root / path)


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
