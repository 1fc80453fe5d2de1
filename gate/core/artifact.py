"""A model file: what it is called, what it holds, and what kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ModelFormat(StrEnum):
    """What the bytes of a file say it is, whatever its name says; a graph alone is known by its name (.pb)."""

    HDF5 = "hdf5"
    KERAS_ZIP = "keras"
    TENSORFLOW_GRAPH = "tensorflow-graph"
    LFS_POINTER = "lfs-pointer"
    DVC_POINTER = "dvc-pointer"
    UNKNOWN = "unknown"

    @property
    def is_loadable(self) -> bool:
        """Whether an engine exists that can read this format."""
        return self in (ModelFormat.HDF5, ModelFormat.KERAS_ZIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One model file at the moment it was read.

    Attributes:
        path: Path as the user or git names it, with forward slashes.
        sha256: Digest of the bytes that were (or would be) scanned, 64 hex digits; "" if unreadable.
        size: Bytes.
        format: Kind by content.
    """

    path: str
    sha256: str
    size: int
    format: ModelFormat
