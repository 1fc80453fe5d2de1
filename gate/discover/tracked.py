"""Turn the files of DVC (``.dvc``, ``dvc.lock``) into the models that they stand for."""

from __future__ import annotations

import posixpath
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.report import Gap
from gate.discover.content import look
from gate.discover.dvc_cache import cached, listing
from gate.discover.names import DVC_LOCK, model_path
from gate.discover.pointers import DvcOutput, dvc_gap, parse_dvc, parse_lock, read_dvc
from gate.discover.selection import Candidate, Selection, because, merge


def select_dvc(path: str, file: Path, source: bytes, *, is_explicit: bool = False) -> Selection:
    """Select the models that a file of DVC stands for.

    Args:
        path: Path of the ``.dvc`` file or ``dvc.lock``, as shown.
        file: Where it lies in the working tree; DVC's cache is looked for above it.
        source: Its content.
        is_explicit: Whether the user named it, so that a ``.dvc`` file stands for models whatever they are called.
    """
    is_lock = posixpath.basename(path) == DVC_LOCK
    try:
        outputs = parse_lock(source, path, _pipeline(file, path)) if is_lock else parse_dvc(source, path)
    except IncompleteError as error:
        return Selection(gaps=((path, error.gap),))
    selection = merge(_tracked(output, file, is_explicit and not is_lock) for output in outputs)
    return because(selection, f"tracked by {path}")


def _pipeline(lock: Path, path: str) -> bytes:
    """Return the stages that a lock belongs to, which say in what folder each of them works."""
    name = "dvc.yaml"
    try:
        return read_dvc(lock.with_name(name), posixpath.join(posixpath.dirname(path), name))
    except IncompleteError:
        return b""  # then the models are looked for beside the lock, and their digests tell


def _tracked(output: DvcOutput, file: Path, is_explicit: bool) -> Selection:
    shown = posixpath.normpath(posixpath.join(posixpath.dirname(output.pointer), output.path))
    if not output.is_directory:
        is_wanted = is_explicit or model_path(shown) or _holds_model(output, file)
        return _candidate(shown, output, file) if is_wanted else Selection()
    try:
        content = listing(output, file)
    except IncompleteError as error:
        return Selection(gaps=((f"{shown}/", error.gap),))
    if content is None:
        return Selection(gaps=((f"{shown}/", _unlisted(shown, output)),))
    models = (inner for inner in content if model_path(inner.path) or _holds_model(inner, file))
    return merge(_candidate(posixpath.normpath(_beside(inner)), inner, file) for inner in models)


def _holds_model(output: DvcOutput, file: Path) -> bool:
    """Return whether what is here of a file whose name says nothing is a model; its digest is checked later."""
    places = (file.parent / output.path, *cached(output.md5, file))
    return any(look(place, follow=True).is_model for place in places)


def _beside(output: DvcOutput) -> str:
    return posixpath.join(posixpath.dirname(output.pointer), output.path)


def _candidate(path: str, output: DvcOutput, file: Path) -> Selection:
    return Selection(candidates=(Candidate(path=path, file=file.parent / output.path, tracked=output),))


def _unlisted(path: str, output: DvcOutput) -> Gap:
    message = dvc_gap(f"{path}/", output).message
    hint = f"If it holds data and no models, put `{path}/` under `exclude` in the policy."
    return Gap(rule=incomplete_rules.MISSING_OBJECT.id, message=f"{message} {hint}")
