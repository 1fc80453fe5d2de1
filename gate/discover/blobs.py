"""Look into many objects of git with one process."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.discover.content import HEAD_BYTES, NOTHING, Look, look_into, may_be_model
from gate.discover.pointers import LFS_MAX_BYTES, parse_lfs
from gate.discover.repository import streaming

_CHUNK = 1 << 20


def looks(blobs: Collection[str], top: Path, environ: Mapping[str, str]) -> dict[str, Look]:
    """Return what the bytes of blobs say, by object id.

    Raises:
        IncompleteError: The repository lacks one of them, or git failed.
    """
    wanted = sorted(set(blobs))
    if not wanted:
        return {}
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{blob}\n" for blob in wanted).encode("ascii"))
        names.seek(0)
        with streaming(("cat-file", "--batch", "--buffer"), top, environ, stdin=names) as output:
            return dict(_answers(output, wanted))


def _answers(output: IO[bytes], wanted: list[str]) -> Iterator[tuple[str, Look]]:
    for blob in wanted:
        # "OBJECT TYPE SIZE" LF CONTENT LF, or "OBJECT missing" LF.
        fields = output.readline().split()
        if len(fields) != 3:
            raise IncompleteError(
                incomplete_rules.SCAN_FAILED.id,
                f"git does not hold the content of the changed file with the object {blob}.",
                hint="`git fsck` tells whether the repository is whole.",
            )
        yield blob, _look(output, int(fields[2]))
        output.read(1)


def _look(output: IO[bytes], size: int) -> Look:
    head = output.read(min(size, HEAD_BYTES))
    if may_be_model(head):
        with tempfile.TemporaryFile() as whole:
            whole.write(head)
            _pour(output, whole, size - len(head))
            whole.seek(0)
            return look_into(whole)
    with Path("/dev/null").open("wb") as nothing:
        _pour(output, nothing, size - len(head))
    return Look(pointer=parse_lfs(head)) if size <= LFS_MAX_BYTES else NOTHING


def _pour(source: IO[bytes], target: IO[bytes] | BinaryIO, size: int) -> None:
    while size > 0 and (chunk := source.read(min(size, _CHUNK))):
        target.write(chunk)
        size -= len(chunk)
    target.flush()
