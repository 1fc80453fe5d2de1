"""Say by its bytes what a file is, and what stands against scanning it under its name."""

from __future__ import annotations

import mmap
from pathlib import Path, PurePosixPath

from gate.core import incomplete_rules
from gate.core.artifact import ModelFormat
from gate.core.report import Gap
from gate.discover.names import is_saved_model
from gate.discover.pointers import LFS_MAX_BYTES, parse_lfs

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_END_WITHIN = 65_536 + 22
# HDF5 looks for its signature here, then at every doubling: what stands in front is a user block.
_FIRST_USER_BLOCK = 512


def kind_of(path: str, file: Path) -> ModelFormat:
    """Return the kind of a file; of a model behind other data, the model's. Its name counts where the bytes say nothing."""
    head = read_head(file)
    if head.startswith(_HDF5_MAGIC):
        return ModelFormat.HDF5
    if head.startswith(_ZIP_MAGIC):
        return ModelFormat.KERAS_ZIP
    if parse_lfs(head):
        return ModelFormat.LFS_POINTER
    return _hidden(file) or _by_name(path, head)


def read_head(file: Path) -> bytes:
    """Return the first `LFS_MAX_BYTES` + 1 bytes, or the whole file if it is shorter."""
    with file.open("rb") as stream:
        return stream.read(LFS_MAX_BYTES + 1)


def _hidden(file: Path) -> ModelFormat | None:
    size = file.stat().st_size
    if size <= _FIRST_USER_BLOCK:
        return None
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = _FIRST_USER_BLOCK
        while at < size:
            if content[at : at + len(_HDF5_MAGIC)] == _HDF5_MAGIC:
                return ModelFormat.HDF5
            at *= 2
        if content.rfind(_ZIP_END, max(0, size - _ZIP_END_WITHIN)) >= 0 and content.find(_ZIP_MAGIC) >= 0:
            return ModelFormat.KERAS_ZIP
    return None


def _by_name(path: str, head: bytes) -> ModelFormat:
    is_graph = bool(head) and PurePosixPath(path).suffix.lower() == ".pb"
    return ModelFormat.TENSORFLOW_GRAPH if is_graph else ModelFormat.UNKNOWN


def objection(path: str, kind: ModelFormat, head: bytes) -> Gap | None:
    """Return why a file of this kind cannot be scanned under its name, which Keras goes by; None if it can."""
    if kind is ModelFormat.TENSORFLOW_GRAPH:
        return None
    if is_saved_model(path):
        return Gap(rule=incomplete_rules.UNSUPPORTED.id, message=f"{path}: {_NO_GRAPH}")
    complaint = _complaint(path, kind, head)
    return Gap(rule=incomplete_rules.UNREADABLE.id, message=f"{path}: {complaint}") if complaint else None


def _complaint(path: str, kind: ModelFormat, head: bytes) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if kind is ModelFormat.HDF5:
        return _HDF5_AS_KERAS.format(_renamed(path, ".h5")) if suffix == ".keras" else ""
    if kind is ModelFormat.KERAS_ZIP:
        return _ZIP_AS_HDF5.format(_renamed(path, ".keras")) if suffix in (".h5", ".hdf5") else ""
    if not head:
        return f"an empty file. {_SAVE_AGAIN}"
    received = "text" if head.isascii() and b"\0" not in head else "binary data"
    return (
        f"expected HDF5 or a Keras archive, received {received} that begins with {head[:24]!r}. {_SAVE_AGAIN}"
    )


def _renamed(path: str, suffix: str) -> str:
    return PurePosixPath(path).with_suffix(suffix).name


_SAVE_AGAIN = "Save the model again with `model.save('model.keras')`."
_NO_GRAPH = (
    "a SavedModel holds a graph of operations that cannot be scanned. Load it where it is trusted and save it with "
    "`model.save('model.keras')`."
)
_HDF5_AS_KERAS = (
    "holds HDF5 data under a name for Keras archives. Keras 3 refuses it, Keras 2 loads it as HDF5, so what runs "
    "depends on who loads it. Rename it to {!r}, or load that and save it as an archive."
)
_ZIP_AS_HDF5 = (
    "holds a Keras archive (zip) under a name for HDF5 files. Keras goes by the name and fails to open it as HDF5. "
    "Rename it to {!r}."
)
