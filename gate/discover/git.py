"""Ask git which models a commit or a branch changes, and for their content."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gate.core import incomplete_rules
from gate.core.errors import GateError, IncompleteError
from gate.core.report import Gap
from gate.discover.base import resolve
from gate.discover.content import Look
from gate.discover.names import is_dvc, is_model, model_path
from gate.discover.opening import symlink
from gate.discover.pointers import DVC_MAX_BYTES, damaged_dvc, read_dvc
from gate.discover.repository import attempt, git, line, require, top_of
from gate.discover.scene import Scene
from gate.discover.selection import UNKNOWN_POINTERS, Candidate, Selection, because, merge
from gate.discover.tracked import select_dvc

_SYMLINK = "120000"
_SUBMODULE = "160000"
_REGULAR = "100"

# The flags undo what settings or .gitmodules could hide: renames, other directories, submodules.
_DIFF = (
    *("diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-relative", "--no-ext-diff"),
    *("--ignore-submodules=dirty", "--diff-filter=d"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    mode: str
    blob: str  # "" where only the working tree has the content
    base: str  # "" where there was no regular file before
    status: str
    path: str


def staged(root: Path, environ: Mapping[str, str]) -> Selection:
    """Select the models that the next commit changes, in all of the repository, with the content that it will hold.

    Raises:
        UsageError: `root` is in no repository.
        IncompleteError: git is missing or failed.
    """
    top = top_of(root, environ)
    changes = _changes("--cached", top, environ)
    scene = Scene(top=top, environ=environ, is_staged=True)
    selection = _selection(changes, scene, "in the index")
    return _or_notice(selection, "No model is changed in the index.")


def changed(base: str, root: Path, environ: Mapping[str, str]) -> Selection:
    """Select the models that differ from where HEAD left `base`, with the content of the working tree.

    Args:
        base: Any name of a commit. Where no history shared with HEAD is known, as in shallow clones, the
            models that differ from `base` itself are selected; where HEAD left it more than once, those that
            differ from any of these commits.
        root: A directory of the repository; all of the repository counts.
        environ: Environment for git, as this process got it.

    Raises:
        UsageError: `base` begins with a dash, or `root` is in no repository.
        IncompleteError: `base` names no commit here, or git is missing or failed.
    """
    found = resolve(base, root, environ)
    changes = {change.path: change for fork in found.forks for change in _changes(fork, found.top, environ)}
    scene = Scene(top=found.top, environ=environ, is_staged=False)
    selection = _selection(tuple(changes.values()), scene, f"since {found}")
    return _or_notice(selection, f"No model differs from {base} ({found.forks[0][:12]}).")


def read_blob(blob: str, target: BinaryIO, root: Path, environ: Mapping[str, str]) -> None:
    """Copy a blob to an open file, which has a descriptor and an empty buffer, without holding it in memory.

    Raises:
        IncompleteError: The repository does not hold the blob, or git failed.
    """
    require(attempt(("cat-file", "blob", blob), root, environ, stdout=target))


def blob_size(blob: str, root: Path, environ: Mapping[str, str]) -> int:
    """Return a blob's size in bytes; see `read_blob`."""
    return int(git(("cat-file", "-s", blob), root, environ))


def lfs_object(oid: str, root: Path, environ: Mapping[str, str]) -> Path | None:
    """Return where Git LFS keeps an object (its SHA-256) on this machine, if it has it; None outside a repository."""
    try:
        common = line(git(("rev-parse", "--git-common-dir"), root, environ))
    except GateError:
        return None
    return root / common / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def _changes(against: str, top: Path, environ: Mapping[str, str]) -> tuple[_Change, ...]:
    # ":OLDMODE NEWMODE OLDBLOB NEWBLOB STATUS" NUL PATH NUL, and so on.
    fields = git((*_DIFF, against, "--"), top, environ).split(b"\0")
    return tuple(
        _change(os.fsdecode(meta), os.fsdecode(path))
        for meta, path in zip(fields[:-1:2], fields[1::2], strict=True)
    )


def _change(meta: str, path: str) -> _Change:
    old_mode, mode, base, blob, status = meta.removeprefix(":").split()
    return _Change(
        mode=mode,
        blob=blob if blob.strip("0") else "",
        base=base if old_mode.startswith(_REGULAR) else "",
        status=status,
        path=path,
    )


def _selection(changes: tuple[_Change, ...], scene: Scene, where: str) -> Selection:
    named = [change for change in changes if _says_something(change)]
    others = (change for change in changes if not _says_something(change))
    silent = {change.path: change for change in others if change.mode.startswith(_REGULAR)}
    seen = scene.looks({path: each.blob for path, each in silent.items()})
    parts = [_because(_models(change, scene), change, where) for change in named]
    parts += [_silent(silent[path], look, scene, where) for path, look in seen]
    return merge(parts)


def _says_something(change: _Change) -> bool:
    return change.mode == _SUBMODULE or is_model(change.path)


def _because(selection: Selection, change: _Change, where: str, more: str = "") -> Selection:
    verb = "added" if change.status == "A" else "changed"
    return because(selection, f"{verb} {where}{more}")


def _silent(change: _Change, look: Look, scene: Scene, where: str) -> Selection:
    """Select a file whose name says nothing by what it holds, or by what lies beside it."""
    if weights := scene.weights_beside(change.path):
        found = Selection(
            candidates=(Candidate(path=weights, file=scene.top / weights, is_unpacked=True),),
        )
        return _because(found, change, where, f", by {change.path}")
    if look.is_model:
        return _because(_candidate(change, change.path, scene), change, where, ", a model by its content")
    return UNKNOWN_POINTERS if look.pointer else Selection()


def _models(change: _Change, scene: Scene) -> Selection:
    path, top, environ = change.path, scene.top, scene.environ
    if change.mode == _SUBMODULE:
        return Selection(gaps=((path, _submodule(path)),))
    if change.status == "U":
        return Selection(gaps=((path, _unmerged(path)),))
    if change.mode == _SYMLINK:
        return Selection(gaps=((path, symlink(path).gap),))
    if is_dvc(path):
        return _select_dvc(path, top, scene.blob(path, change.blob), environ)
    return _candidate(change, model_path(path), scene)


def _candidate(change: _Change, model: str, scene: Scene) -> Selection:
    is_itself = model == change.path
    content = scene.blob(change.path, change.blob) if is_itself else ""
    candidate = Candidate(
        path=model,
        file=scene.top / model,
        blob=content,
        committed=change.blob if is_itself and not content else None,
        base=change.base if is_itself and not scene.is_staged else "",
        is_unpacked=scene.is_unpacked(model),
    )
    return Selection(candidates=(candidate,))


def _select_dvc(path: str, top: Path, blob: str, environ: Mapping[str, str]) -> Selection:
    try:
        source = _dvc_blob(path, blob, top, environ) if blob else read_dvc(top / path, path)
    except IncompleteError as error:
        return Selection(gaps=((path, error.gap),))
    return select_dvc(path, top / path, source)


def _dvc_blob(path: str, blob: str, top: Path, environ: Mapping[str, str]) -> bytes:
    if blob_size(blob, top, environ) > DVC_MAX_BYTES:
        raise damaged_dvc(path)
    return git(("cat-file", "blob", blob), top, environ)


def _unmerged(path: str) -> Gap:
    return Gap(
        rule=incomplete_rules.UNREADABLE.id,
        message=f"{path}: has a merge conflict, so it is not settled which model to scan. "
        "Resolve it and `git add` the file.",
    )


def _submodule(path: str) -> Gap:
    return Gap(
        rule=incomplete_rules.MISSING_OBJECT.id,
        message=f"{path}: a submodule that the change moves to another commit; it is not known which models that brings. "
        "Run the gate inside it, and exclude its path in the policy here (exclude:).",
    )


def _or_notice(selection: Selection, notice: str) -> Selection:
    return merge([selection, Selection(notices=(notice,))]) if selection.is_empty else selection
