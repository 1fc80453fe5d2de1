"""Labels as they are stored: numbers, a column of them, or a row of classes for each image."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def as_numbers(labels: NDArray[Any], num_classes: int) -> NDArray[Any]:
    """Return one number for each image where labels are rows of classes or columns of one; others as they are."""
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        numbers: NDArray[Any] = labels.argmax(axis=1)
        return numbers
    return labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
