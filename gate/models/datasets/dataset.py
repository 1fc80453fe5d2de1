"""The user's images, checked against the network that they are for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.job import Role
from gate.core.text import printable
from gate.models.datasets import forms
from gate.models.datasets.batches import ImageSet
from gate.models.datasets.contract import Shape, Wanted
from gate.models.datasets.label_forms import as_numbers
from gate.models.numerics.arrays import Labels

# A few near duplicates (frames of one video) split a small class as cleanly as poison does.
FEWEST = 64
_SHOWN_CLASSES = 8


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images that fit one network.

    Attributes:
        images: Of the network's input shape, read when asked for.
        labels: Class of each image, shape ``(n,)``; None without labels.
        role: Trusted samples, or the suspect training set.
        source: File or folder, for the report.
        other_labels: The same if the class folders are counted in the other usual order; None if there is none.
    """

    images: ImageSet
    labels: Labels | None
    role: Role
    source: str
    other_labels: Labels | None = None


def load(path: Path, role: Role, shape: Shape, num_classes: int, span: tuple[float, float]) -> Dataset:
    """Open a data set and check that it fits the network.

    Args:
        path: In one of the forms that `gate.models.datasets.forms` reads.
        role: What the images are to the model.
        shape: (height, width, channels) that the network expects.
        num_classes: Number of classes that the network knows.
        span: Raw (low, high); floating point images are expected in it, 8-bit images in 0..255.

    Raises:
        DataError: Anything that does not fit, with what was expected and received.
    """
    wanted = Wanted(role=role, shape=shape, num_classes=num_classes, span=span)
    found = forms.opened(path, wanted)
    name = printable(str(path))
    if found.labels is None:
        return Dataset(found.images, None, role, name)
    labels = _checked_labels(found.labels, len(found.images), num_classes, name)
    _require_all_classes(labels, role, num_classes, name)
    return Dataset(found.images, labels, role, name, found.other_labels)


def require_enough(dataset: Dataset) -> None:
    """Refuse a training set that is too small to be examined, rather than let its detectors stand aside.

    Raises:
        DataError: It is one, and has no two classes of 64 images, or without labels no 128 images.
    """
    if dataset.role is not Role.TRAIN:
        return
    labels = np.arange(len(dataset.images)) % 2 if dataset.labels is None else dataset.labels
    if np.sort(np.bincount(labels, minlength=2))[-2] >= FEWEST:
        return
    raise DataError(
        f"{dataset.source}: expected two classes of {FEWEST} images or more, to compare them, "
        f"received {len(dataset.images)} images in all.",
        hint="Give the whole training set; if these are some trusted samples, say --data-role clean (role: clean).",
    )


def _checked_labels(labels: NDArray[Any], count: int, num_classes: int, name: str) -> Labels:
    labels = as_numbers(labels, num_classes)
    if labels.shape != (count,) or labels.dtype.kind not in "ui":
        raise DataError(
            f"{name}: expected {count} whole-number labels, received {labels.dtype} of shape {labels.shape}.",
            hint="One label for each image: save y of the same length, as integers.",
        )
    _require_range(labels, num_classes, name)
    return labels.astype(np.int64)


def _require_range(labels: NDArray[Any], num_classes: int, name: str) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low >= 0 and high < num_classes:
        return
    counts_from_one = low >= 1 and high == num_classes
    raise DataError(
        f"{name}: expected labels 0..{num_classes - 1}, received {low}..{high}.",
        hint="They count from 1; save y - 1."
        if counts_from_one
        else "Count labels from 0, in the order of the model's outputs.",
    )


def _require_all_classes(labels: Labels, role: Role, num_classes: int, name: str) -> None:
    """Refuse a training set that leaves out classes: poison could be in what is not shown."""
    missing = np.setdiff1d(np.arange(num_classes), labels)
    if role is not Role.TRAIN or not len(missing):
        return
    shown = ", ".join(map(str, missing[:_SHOWN_CLASSES])) + (", ..." if len(missing) > _SHOWN_CLASSES else "")
    raise DataError(
        f"{name}: expected images of all {num_classes} classes, received none of class {shown}.",
        hint="Give the whole training set; if these are some trusted samples, say --data-role clean (role: clean).",
    )
