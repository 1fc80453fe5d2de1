"""Tell models by their bytes, whatever they are called, without parsing what a stranger wrote.

Only the first bytes of a file are read; the rest is searched where they are those of HDF5 or a zip archive. HDF5 keeps the
names of attributes uncompressed behind their length, and a zip archive lists its members the same way at its end: such a
name is looked for, and nothing is decoded. A data set or a document that happens to be HDF5 or zip holds none of them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gate.core.errors import IncompleteError
from gate.discover.opening import open_regular
from gate.discover.pointers import LFS_MAX_BYTES, LfsPointer, parse_lfs

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# A user block in front has one of these sizes; longer ones are not looked for under a foreign name.
_HDF5_STARTS = (0, 512, 1024, 2048, 4096)
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_ENTRY, _ZIP_ENTRY_BYTES, _ZIP_NAME_LENGTH = b"PK\x01\x02", 46, 28
_LONGEST_NAME = 4096
HEAD_BYTES = _HDF5_STARTS[-1] + len(_HDF5_MAGIC)

Content = bytes | mmap.mmap


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the bytes of a file say.

    Attributes:
        is_model: Whether it holds a Keras model, or the weights of one.
        pointer: The Git LFS pointer that it is; None if it is none.
    """

    is_model: bool = False
    pointer: LfsPointer | None = None


NOTHING = Look()


def look(file: Path, *, follow: bool = False) -> Look:
    """Return what a file's bytes say; nothing of what is no regular file, or cannot be read. Links only if `follow`."""
    # ValueError: no file can have this name.
    with (
        suppress(IncompleteError, OSError, ValueError),
        open_regular(file, file.name, follow=follow) as stream,
    ):
        return look_into(stream)
    return NOTHING


def look_into(stream: BinaryIO) -> Look:
    """Return what the bytes of an open regular file say.

    Raises:
        OSError: It cannot be read.
    """
    head = stream.read(HEAD_BYTES)
    if not may_be_model(head):
        return Look(pointer=parse_lfs(head)) if len(head) <= LFS_MAX_BYTES else NOTHING
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return Look(is_model=holds_model(content))


def may_be_model(head: bytes) -> bool:
    """Return whether a file that begins like this, with `HEAD_BYTES` bytes if it has so many, is HDF5 or zip."""
    return head.startswith(_ZIP_MAGIC) or any(head.startswith(_HDF5_MAGIC, at) for at in _HDF5_STARTS)


def holds_model(content: Content) -> bool:
    """Return whether HDF5 or zip data hold a Keras model, or the weights of one."""
    if content[: len(_ZIP_MAGIC)] == _ZIP_MAGIC:
        weights = (b"model.weights.h5", b"model.weights.npz")
        return _lists(content, b"config.json") and any(_lists(content, name) for name in weights)
    if _has_attribute(content, b"model_config"):
        return True
    # Long lists of layers are split up.
    layers = any(_has_attribute(content, name) for name in (b"layer_names", b"layer_names0"))
    return layers and any(_has_attribute(content, name) for name in (b"weight_names", b"weight_names0"))


def _lists(content: Content, name: bytes) -> bool:
    """Return whether a zip archive has a member of this name at its top."""
    return any(
        content[at - _ZIP_ENTRY_BYTES : at - _ZIP_ENTRY_BYTES + len(_ZIP_ENTRY)] == _ZIP_ENTRY
        and _number(content, at - _ZIP_ENTRY_BYTES + _ZIP_NAME_LENGTH) == len(name)
        for at in _places(content, name)
        if at >= _ZIP_ENTRY_BYTES
    )


def _has_attribute(content: Content, name: bytes) -> bool:
    """Return whether HDF5 data hold an attribute of this name, by the three layouts that there are."""
    text = name + b"\0"
    return any(
        (content[at - 8] in (1, 2) and _fits(_number(content, at - 6), text))
        or (content[at - 9] == 3 and _fits(_number(content, at - 7), text))
        for at in _places(content, text)
        if at >= len(_HDF5_MAGIC) + 1
    )


def _fits(length: int, text: bytes) -> bool:
    # The library of old reads a name that is stated too long up to its end.
    return len(text) <= length <= _LONGEST_NAME


def _number(content: Content, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")


def _places(content: Content, text: bytes) -> Iterator[int]:
    at = content.find(text)
    while at >= 0:
        yield at
        at = content.find(text, at + 1)
