"""Say by its first bytes what a file is, and what stands against scanning it under its name."""

from __future__ import annotations

from pathlib import PurePosixPath

from gate.core import rules
from gate.core.artifact import ModelFormat
from gate.core.report import Gap
from gate.discover.names import is_saved_model
from gate.discover.pointers import parse_lfs

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"


def format_of(head: bytes) -> ModelFormat:
    """Return the kind of a file.

    Args:
        head: The first `LFS_MAX_BYTES` + 1 bytes, or the whole file if it is shorter.
    """
    if head.startswith(_HDF5_MAGIC):
        return ModelFormat.HDF5
    if head.startswith(_ZIP_MAGIC):
        return ModelFormat.KERAS_ZIP
    return ModelFormat.LFS_POINTER if parse_lfs(head) else ModelFormat.UNKNOWN


def objection(path: str, head: bytes) -> Gap | None:
    """Return why a file cannot be scanned under its name; None if it can.

    Args:
        path: Its name, which Keras goes by.
        head: As for `format_of`.
    """
    if is_saved_model(path):
        return Gap(
            rule=rules.UNSUPPORTED.id,
            message=f"{path}: a SavedModel holds a graph of operations that cannot be scanned. "
            "Load it where it is trusted and save it with `model.save('model.keras')`.",
        )
    complaint = _complaint(path, head)
    return Gap(rule=rules.UNREADABLE.id, message=f"{path}: {complaint}") if complaint else None


def _complaint(path: str, head: bytes) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    kind = format_of(head)
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
_HDF5_AS_KERAS = (
    "holds HDF5 data under a name for Keras archives. Keras 3 refuses it, Keras 2 loads it as HDF5, so what runs "
    "depends on who loads it. Rename it to {!r}, or load that and save it as an archive."
)
_ZIP_AS_HDF5 = (
    "holds a Keras archive (zip) under a name for HDF5 files. Keras goes by the name and fails to open it as HDF5. "
    "Rename it to {!r}."
)
