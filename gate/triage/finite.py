"""Look for weights that are no numbers, piece by piece: a file may be larger than the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gate.core.finding import Finding
from gate.core.text import printable
from gate.models.rebuild.store import arrays, member
from gate.models.rebuild.weights_keras import TRAINING
from gate.triage.findings import finding
from gate.triage.static_rules import NON_FINITE_WEIGHTS

_PIECE = 16 * 2**20


def check(store: Any) -> Iterator[Finding]:  # h5py ships no types
    """Yield the first weight of an open HDF5 file that is not finite as a 32-bit number; training's own are passed over.

    Raises:
        IncompleteError: A weight is no plain array (BD001).
    """
    for path, dataset in arrays(member(store, "model_weights") if "model_weights" in store else store):
        if TRAINING.isdisjoint(path.split("/")) and dataset.dtype.kind == "f" and not _is_finite(dataset):
            yield finding(
                NON_FINITE_WEIGHTS,
                "weights",
                f"The weight {printable(repr(path), 120)} holds NaN, infinity, or numbers beyond 32 bits; every score "
                "would be meaningless.",
                "Train the model again, or find out who changed the file.",
            )
            return


def _is_finite(dataset: Any) -> bool:
    with np.errstate(over="ignore"):
        return all(np.isfinite(piece.astype(np.float32, copy=False)).all() for piece in _pieces(dataset))


def _pieces(dataset: Any) -> Iterator[Any]:
    """Yield the array in slices along its longest axis."""
    if dataset.ndim == 0 or dataset.size == 0:
        yield np.asarray(dataset[()])
        return
    axis = int(np.argmax(dataset.shape))
    length = dataset.shape[axis]
    layer = math.prod(dataset.shape) // length * dataset.dtype.itemsize
    step = max(1, _PIECE // layer)
    for start in range(0, length, step):
        yield dataset[(slice(None),) * axis + (slice(start, start + step),)]
