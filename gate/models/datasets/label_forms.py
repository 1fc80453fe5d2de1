"""Labels as they are stored: numbers, also as floats, a column of them, or a row of classes for each image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Whole numbers above it a float32 does not hold exactly, and no network has so many classes.
_MOST = 2**24


def as_numbers(labels: NDArray[Any], num_classes: int) -> NDArray[Any]:
    """Return one number for each image where labels are rows of classes or columns of one; others as they are."""
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        numbers: NDArray[Any] = labels.argmax(axis=1)
        return numbers
    return _whole(labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels)


def _whole(labels: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers that are stored as floats or as yes and no as what they are; others as they are."""
    if labels.ndim != 1:
        return labels
    if labels.dtype.kind == "b":
        return labels.astype(np.int64)
    if labels.dtype.kind == "f" and (np.abs(labels) < _MOST).all() and (labels == np.rint(labels)).all():
        return labels.astype(np.int64)
    return labels
