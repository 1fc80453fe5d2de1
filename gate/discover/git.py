"""Ask git which models a commit or a branch changes, and for their content."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gate.core import rules
from gate.core.errors import GateError, IncompleteError, UsageError
from gate.core.report import Gap
from gate.core.text import printable
from gate.discover.files import Candidate, Selection, is_model, merge, model_path, select_dvc
from gate.discover.opening import symlink
from gate.discover.pointers import DVC_MAX_BYTES, DVC_SUFFIX, damaged_dvc, read_dvc
from gate.discover.repository import attempt, git, line, require, top_of

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
    """Select the models that the next commit changes, with the content that it will hold.

    Args:
        root: A directory of the repository; all of the repository counts.
        environ: Environment for git, as this process got it.

    Raises:
        UsageError: `root` is in no repository.
        IncompleteError: git is missing or failed.
    """
    top = top_of(root, environ)
    changes = _changes("--cached", top, environ)
    selection = merge(_select(change, top, environ, is_staged=True) for change in changes)
    return _or_notice(selection, "No model is changed in the index.")


def changed(base: str, root: Path, environ: Mapping[str, str]) -> Selection:
    """Select the models that differ from where HEAD left `base`, with the content of the working tree.

    Args:
        base: Any name of a commit. Where no history shared with HEAD is known, as in shallow clones, the
            models that differ from `base` itself are selected.
        root: A directory of the repository; all of the repository counts.
        environ: Environment for git, as this process got it.

    Raises:
        UsageError: `base` begins with a dash, or `root` is in no repository.
        IncompleteError: `base` names no commit here, or git is missing or failed.
    """
    if base.startswith("-"):
        raise UsageError(
            f"--diff: expected a commit, received {printable(base)!r}, which git would take for an option.",
            hint="Name a branch, tag or commit, such as origin/main.",
        )
    top = top_of(root, environ)
    fork = _fork(_commit(base, top, environ), top, environ)
    selection = merge(_select(change, top, environ) for change in _changes(fork, top, environ))
    return _or_notice(selection, f"No model differs from {base} ({fork[:12]}).")


def read_blob(blob: str, target: BinaryIO, root: Path, environ: Mapping[str, str]) -> None:
    """Copy a blob to a file without holding it in memory.

    Args:
        blob: Its object id.
        target: An open file with a descriptor and an empty buffer.
        root: A directory of the repository.
        environ: Environment for git.

    Raises:
        IncompleteError: The repository does not hold the blob, or git failed.
    """
    require(attempt(("cat-file", "blob", blob), root, environ, stdout=target))


def blob_size(blob: str, root: Path, environ: Mapping[str, str]) -> int:
    """Return a blob's size in bytes; see `read_blob`."""
    return int(git(("cat-file", "-s", blob), root, environ))


def lfs_object(oid: str, root: Path, environ: Mapping[str, str]) -> Path | None:
    """Return where Git LFS keeps an object on this machine, if it has it; None outside a repository.

    Args:
        oid: SHA-256 of the content, 64 hex digits.
        root: A directory of the repository.
        environ: Environment for git.
    """
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


def _select(change: _Change, top: Path, environ: Mapping[str, str], *, is_staged: bool = False) -> Selection:
    path = change.path
    if change.mode == _SUBMODULE:
        return Selection(
            notices=(f"{path}: a submodule; run the gate inside it to have its models scanned.",)
        )
    if not is_model(path):
        return Selection()
    if change.status == "U":
        return Selection(gaps=((path, _unmerged(path)),))
    if change.mode == _SYMLINK:
        return Selection(gaps=((path, symlink(path).gap),))
    # A sparse checkout lacks files that did change; git has their content.
    blob = change.blob if is_staged or not os.path.lexists(top / path) else ""
    if path.lower().endswith(DVC_SUFFIX):
        return _select_dvc(path, top, blob, environ)
    model = model_path(path)
    content = blob if model == path else ""
    base = change.base if model == path and not is_staged else ""
    return Selection(candidates=(Candidate(path=model, file=top / model, blob=content, base=base),))


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
        rule=rules.UNREADABLE.id,
        message=f"{path}: has a merge conflict, so it is not settled which model to scan. "
        "Resolve it and `git add` the file.",
    )


def _or_notice(selection: Selection, notice: str) -> Selection:
    return merge([selection, Selection(notices=(notice,))]) if selection.is_empty else selection


def _commit(base: str, top: Path, environ: Mapping[str, str]) -> str:
    found = attempt(("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"), top, environ)
    if found.returncode == 0:
        return line(found.stdout)
    is_shallow = line(git(("rev-parse", "--is-shallow-repository"), top, environ)) == "true"
    raise IncompleteError(
        rules.SCAN_FAILED.id,
        f"--diff: expected a commit that this {'shallow clone' if is_shallow else 'repository'} holds, "
        f"received {printable(base)!r}; it is not known which models changed.",
        hint=_fetch_hint(base, is_shallow),
    )


def _fork(commit: str, top: Path, environ: Mapping[str, str]) -> str:
    found = attempt(("merge-base", commit, "HEAD"), top, environ)
    if found.returncode == 1:  # git's word for "no common ancestor"
        return commit
    return line(require(found))


def _fetch_hint(base: str, is_shallow: bool) -> str:
    if not base.strip("0"):
        return "CI gives no base for the first push of a branch: compare with the default branch, `--diff origin/main`."
    depth = "--depth=1 " if is_shallow else ""
    return (
        f"Fetch it: `git fetch {depth}origin {shlex.quote(_refspec(printable(base)))}` "
        "(or all history; in GitHub's checkout action: `fetch-depth: 0`)."
    )


def _refspec(base: str) -> str:
    if re.fullmatch(r"[0-9a-f]{7,64}", base):
        return base
    if base.startswith("origin/"):
        branch = base.removeprefix("origin/")
        return f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    return f"{base}:{base}"
