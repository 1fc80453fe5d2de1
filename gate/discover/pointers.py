"""Recognise the few lines of text that Git LFS and DVC commit in place of a model."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from gate.core import rules
from gate.core.errors import IncompleteError
from gate.core.report import Gap
from gate.discover.opening import open_regular

LFS_MAX_BYTES = 1024  # the Git LFS specification's own limit
DVC_MAX_BYTES = 65536
DVC_SUFFIX = ".dvc"

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
    """One file that a ``.dvc`` file stands for.

    Attributes:
        pointer: Path of the ``.dvc`` file, as shown.
        pointer_sha256: Digest of the ``.dvc`` file's bytes.
        pointer_size: Bytes of the ``.dvc`` file.
        path: Path of the tracked file relative to the ``.dvc`` file's directory, with forward slashes.
        md5: Digest of the tracked file as DVC states it; "" if it does not.
    """

    pointer: str
    pointer_sha256: str
    pointer_size: int
    path: str
    md5: str

    @property
    def is_directory(self) -> bool:
        """Whether a whole directory is tracked; then the digest is that of a listing."""
        return self.md5.endswith(".dir")


def parse_lfs(source: bytes) -> LfsPointer | None:
    """Return what a Git LFS pointer says; None if the bytes are no pointer.

    Args:
        source: The whole file.
    """
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
            rule=rules.MISSING_OBJECT.id,
            message=f"{path}: damaged Git LFS pointer: expected the lines `oid sha256:HEX` and `size BYTES`. "
            f"Commit the model again: `git add --renormalize {_shell(path)}`.",
        )
    return Gap(
        rule=rules.MISSING_OBJECT.id,
        message=f"{path}: a Git LFS pointer; the model itself (oid sha256:{pointer.oid}, {pointer.size} bytes) "
        f"is not here. Fetch it: `git lfs pull --include {_shell(path)}` "
        "(in GitHub's checkout action: `lfs: true`).",
    )


def read_dvc(file: Path, pointer: str) -> bytes:
    """Return a ``.dvc`` file's content, cut short where it is too large to parse.

    Raises:
        IncompleteError: It is no regular file, or may not be read.
    """
    with open_regular(file, pointer) as stream:
        return stream.read(DVC_MAX_BYTES + 1)


def parse_dvc(source: bytes, pointer: str) -> tuple[DvcOutput, ...]:
    """Return the files that a ``.dvc`` file stands for.

    Args:
        source: The whole file.
        pointer: Its path, as shown.

    Raises:
        IncompleteError: It is not what DVC writes, so nobody can say which models it stands for.
    """
    document = _yaml(source, pointer)
    outputs = document.get("outs") if isinstance(document, dict) else None
    directory = document.get("wdir", ".") if isinstance(document, dict) else "."
    if not isinstance(outputs, list) or not all(isinstance(out, dict) and out.get("path") for out in outputs):
        raise damaged_dvc(pointer, "expected a list `outs`, each with a `path`")
    return tuple(
        DvcOutput(
            pointer=pointer,
            pointer_sha256=hashlib.sha256(source).hexdigest(),
            pointer_size=len(source),
            path=posixpath.join(str(directory), str(out["path"])),
            md5=str(out.get("md5") or ""),
        )
        for out in outputs
    )


def dvc_gap(path: str, output: DvcOutput) -> Gap:
    """Return the gap of a tracked file that is not here as committed, with the command that fetches it."""
    return Gap(
        rule=rules.MISSING_OBJECT.id,
        message=f"{path}: tracked by DVC; the file that {output.pointer} names (md5 {output.md5 or 'not stated'}) "
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
    """Return the refusal of a ``.dvc`` file that nobody can read, by default because of its size."""
    return IncompleteError(
        rules.UNREADABLE.id,
        f"{pointer}: cannot be read as a DVC file: {expected}.",
        hint="Write it again with `dvc add` or `dvc commit`.",
    )


def _shell(path: str) -> str:
    return shlex.quote(f"./{path}" if path.startswith("-") else path)
