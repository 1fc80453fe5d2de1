"""Open the weights of a model file; whatever a damaged file makes the libraries raise becomes one error."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gate.core.artifact import ModelFormat
from gate.models.rebuild import weights_hdf5, weights_keras
from gate.models.rebuild.problems import cause, damaged

_DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that reads the file.

    Raises:
        IncompleteError: The file is damaged (BD001).
    """
    try:
        return function(*arguments)
    except _DAMAGED as error:
        raise damaged(f"The weights cannot be read: {cause(error)}.") from error


@contextmanager
def stored_weights(file: Path, kind: ModelFormat) -> Iterator[weights_hdf5.Arrays | weights_keras.Arrays]:
    """Yield the data sets of every layer, checked but not read.

    Args:
        file: Model file that triage let through.
        kind: Its format.

    Raises:
        IncompleteError: The file is damaged (BD001).
    """
    import h5py

    is_zip = kind is ModelFormat.KERAS_ZIP
    source = guarded(weights_keras.unpack, file) if is_zip else file
    with guarded(h5py.File, source, "r") as stored:
        yield guarded((weights_keras if is_zip else weights_hdf5).stored, stored)
