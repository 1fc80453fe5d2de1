"""Recognise the few lines of text that Git LFS and DVC commit in place of models."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.report import Gap
from gate.discover.opening import open_regular

LFS_MAX_BYTES = 1024  # the Git LFS specification's own limit
DVC_MAX_BYTES = 1 << 18  # a lock holds every stage of a pipeline

_LFS_VERSIONS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_LFS_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})\r?$", re.MULTILINE)
_LFS_SIZE = re.compile(rb"^size (\d{1,19})\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LfsPointer:
    """What a Git LFS pointer says.

    Attributes:
        oid: SHA-256 of the model, 64 hex digits; "" if the pointer is damaged.
        size: Bytes of the model; 0 if the pointer is damaged.
    """

    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DvcOutput:
    """One file or directory that a ``.dvc`` file or ``dvc.lock`` stands for.

    Attributes:
        pointer: Path of the ``.dvc`` file or the lock, as shown.
        pointer_sha256: Digest of its bytes.
        pointer_size: Its size in bytes.
        path: Path of what is tracked, relative to the pointer's directory, with forward slashes.
        md5: Digest of the tracked file as DVC states it, or of a directory's listing; "" if it does not.
        is_directory: Whether a whole directory is tracked.
        files: (path within it, md5) of its files where the pointer itself lists them.
    """

    pointer: str
    pointer_sha256: str
    pointer_size: int
    path: str
    md5: str
    is_directory: bool = False
    files: tuple[tuple[str, str], ...] = ()


def parse_lfs(source: bytes) -> LfsPointer | None:
    """Return what a Git LFS pointer says; None if the bytes, the whole file, are no pointer."""
    if len(source) > LFS_MAX_BYTES or not source.startswith(_LFS_VERSIONS):
        return None
    oid, size = _LFS_OID.search(source), _LFS_SIZE.search(source)
    if not oid or not size:
        return LfsPointer(oid="", size=0)
    return LfsPointer(oid=oid[1].decode(), size=int(size[1]))


def lfs_gap(path: str, pointer: LfsPointer) -> Gap:
    """Return the gap of a pointer whose object is not here, with the command that fetches it."""
    if not pointer.oid:
        return Gap(
            rule=incomplete_rules.MISSING_OBJECT.id,
            message=f"{path}: damaged Git LFS pointer: expected the lines `oid sha256:HEX` and `size BYTES`. "
            f"Commit the model again: `git add --renormalize {_shell(path)}`.",
        )
    return Gap(
        rule=incomplete_rules.MISSING_OBJECT.id,
        message=f"{path}: a Git LFS pointer; the model itself (oid sha256:{pointer.oid}, {pointer.size} bytes) "
        f"is not here. Fetch it: `git lfs pull --include {_shell(path)}` "
        "(in GitHub's checkout action: `lfs: true`).",
    )


def read_dvc(file: Path, pointer: str) -> bytes:
    """Return the content of a file of DVC, cut short where it is too large to parse.

    Raises:
        IncompleteError: It is no regular file, or may not be read.
    """
    with open_regular(file, pointer) as stream:
        return stream.read(DVC_MAX_BYTES + 1)


def parse_dvc(source: bytes, pointer: str) -> tuple[DvcOutput, ...]:
    """Return what a ``.dvc`` file, given in whole, stands for.

    Raises:
        IncompleteError: It is not what DVC writes, so nobody can say which models it stands for.
    """
    document = _mapping(_yaml(source, pointer))
    outputs = document.get("outs")
    if not _are_outputs(outputs):
        raise damaged_dvc(pointer, "expected a list `outs`, each with a `path`")
    directory = str(document.get("wdir", "."))
    return tuple(_output(out, directory, source, pointer) for out in outputs)


def parse_lock(source: bytes, pointer: str, pipeline: bytes = b"") -> tuple[DvcOutput, ...]:
    """Return what the stages of a ``dvc.lock`` made.

    Args:
        source: The whole file.
        pointer: Its path, as shown.
        pipeline: The ``dvc.yaml`` beside it, which says in what folder a stage works; b"" if there is none.

    Raises:
        IncompleteError: It, or the pipeline, is not what DVC writes.
    """
    document = _mapping(_yaml(source, pointer))
    stages = document.get("stages") if "schema" in document else document  # the first format had no such key
    described = _mapping(_mapping(_yaml(pipeline, pointer)).get("stages"))
    if not isinstance(stages, dict):
        raise damaged_dvc(pointer, "expected a mapping `stages`")
    outputs = []
    for name, stage in stages.items():
        made = _mapping(stage).get("outs", [])
        if not _are_outputs(made):
            raise damaged_dvc(pointer, "expected lists `outs`, each with a `path`")
        directory = _folder_of(str(name), described)
        outputs += [_output(out, directory, source, pointer) for out in made]
    return tuple(outputs)


def _folder_of(stage: str, described: dict[str, Any]) -> str:
    # A stage that stands for many is locked as NAME@ITEM, and says what each does under `do`.
    said = _mapping(described.get(stage) or described.get(stage.partition("@")[0]))
    return str(_mapping(said.get("do", said)).get("wdir", "."))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _are_outputs(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(out, dict) and out.get("path") for out in value)


def _output(out: dict[str, Any], directory: str, source: bytes, pointer: str) -> DvcOutput:
    md5, inner = str(out.get("md5") or ""), out.get("files")
    listed = [_mapping(file) for file in inner] if isinstance(inner, list) else []
    return DvcOutput(
        pointer=pointer,
        pointer_sha256=hashlib.sha256(source).hexdigest(),
        pointer_size=len(source),
        path=posixpath.join(directory, str(out["path"])),
        md5=md5,
        is_directory=md5.endswith(".dir") or bool(listed) or "nfiles" in out,
        files=tuple((str(file.get("relpath", "")), str(file.get("md5") or "")) for file in listed),
    )


def dvc_gap(path: str, output: DvcOutput) -> Gap:
    """Return the gap of what is tracked but not here as committed, with the command that fetches it."""
    kind = "directory" if output.is_directory else "file"
    return Gap(
        rule=incomplete_rules.MISSING_OBJECT.id,
        message=f"{path}: tracked by DVC; the {kind} that {output.pointer} names (md5 {output.md5 or 'not stated'}) "
        f"is not here, or is another one. Fetch it: `dvc pull {_shell(output.pointer)}`.",
    )


def _yaml(source: bytes, pointer: str) -> object:
    import yaml

    if len(source) > DVC_MAX_BYTES:
        raise damaged_dvc(pointer)
    try:
        document: object = yaml.safe_load(source)
    # ValueError: an impossible date; RecursionError: brackets without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise damaged_dvc(pointer, "expected YAML") from error
    return document


def damaged_dvc(pointer: str, expected: str = f"expected at most {DVC_MAX_BYTES} bytes") -> IncompleteError:
    """Return the refusal of a file of DVC that nobody can read, by default because of its size."""
    return IncompleteError(
        incomplete_rules.UNREADABLE.id,
        f"{pointer}: cannot be read as a DVC file: {expected}.",
        hint="Write it again with `dvc add` or `dvc commit`.",
    )


def _shell(path: str) -> str:
    return shlex.quote(f"./{path}" if path.startswith("-") else path)
