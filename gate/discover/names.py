"""Say by its name whether a file is a model, a part of one, or stands for some."""

from __future__ import annotations

import posixpath
import re

MODEL_SUFFIXES = (".h5", ".hdf5", ".keras")
DVC_SUFFIX = ".dvc"
DVC_LOCK = "dvc.lock"

_SAVED_MODEL = re.compile(r"(?:^|/)saved_model\.pb(?:txt)?$", re.IGNORECASE)
_BESIDE_GRAPH = re.compile(
    r"(?:^|(?<=/))(?:variables/variables\.(?:index|data-\d+-of-\d+)|keras_metadata\.pb)$"
)
# The weights of a model that Keras saved as a directory, if they are not HDF5; the gate says that it cannot read it.
_NUMPY_WEIGHTS = re.compile(r"(?:^|/)model\.weights\.npz$", re.IGNORECASE)


def model_path(path: str) -> str:
    """Return the model that a file belongs to by its name; "" if to none.

    The weights of a SavedModel, and what Keras notes beside it, belong to its ``saved_model.pb``.
    """
    if path.lower().endswith(MODEL_SUFFIXES) or is_saved_model(path) or _NUMPY_WEIGHTS.search(path):
        return path
    beside = _BESIDE_GRAPH.search(path)
    return path[: beside.start()] + "saved_model.pb" if beside else ""


def is_saved_model(path: str) -> bool:
    """Return whether a name is that of a SavedModel's graph."""
    return _SAVED_MODEL.search(path) is not None


def is_dvc(path: str) -> bool:
    """Return whether a name is that of a file in which DVC says what it tracks."""
    return path.lower().endswith(DVC_SUFFIX) or posixpath.basename(path) == DVC_LOCK


def is_model(path: str) -> bool:
    """Return whether a name looks like a model, part of one, or a file of DVC that may stand for one."""
    return bool(model_path(path)) or is_dvc(path)
