"""Why a file cannot be judged: it is no whole model, which is no proof of ill will."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.text import printable

_SAVE_AGAIN = "Save the whole model again: model.save('model.keras')."
# What zipfile, h5py and numpy raise on damaged input, as measured by flipping bytes.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, KeyError, TypeError, ValueError,
    OverflowError, AttributeError,
)  # fmt: skip


def unreadable(message: str, hint: str = _SAVE_AGAIN) -> IncompleteError:
    """Return the error for a file that is no whole Keras model (BD001)."""
    return IncompleteError(incomplete_rules.UNREADABLE.id, message, hint=hint)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what a library says of a damaged file into words for its owner.

    Args:
        what: Such as "The HDF5 file".

    Raises:
        IncompleteError: The file is damaged (BD001).
    """
    try:
        yield
    except _DAMAGED as error:
        raise unreadable(f"{what} is damaged or truncated ({printable(str(error), 120)}).") from error
