"""The user's images: an .npz file, a folder with one sub-folder per class, or a CSV list of pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.job import Role
from gate.core.text import printable
from gate.models.datasets.batches import ImageSet
from gate.models.datasets.files import Listing, PictureFiles, list_csv, list_folder
from gate.models.datasets.npz import HINT, NpzImages, Shape, reading
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
        path: An .npz file (keys x_train/y_train, x_test/y_test or x/y), a folder of class folders or of pictures, or
            a .csv file with the columns file and label.
        role: What the images are to the model.
        shape: (height, width, channels) that the network expects.
        num_classes: Number of classes that the network knows.
        span: Raw (low, high); floating point images are expected in it, 8-bit images in 0..255.

    Raises:
        DataError: Anything that does not fit, with what was expected and received.
    """
    name = printable(str(path))
    if path.is_dir():
        return _of_pictures(list_folder(path, num_classes), role, shape, num_classes, name)
    if not path.is_file():
        raise DataError(f"{name}: no such file or folder of images.", hint=HINT)
    if path.suffix.lower() == ".csv":
        return _of_pictures(list_csv(path), role, shape, num_classes, name)
    key, labels = _npz_parts(path, role, name)
    images = NpzImages(path, key, shape, span)
    if labels is not None:
        labels = _checked_labels(labels, len(images), num_classes, name)
        _require_all_classes(labels, role, num_classes, name)
    return Dataset(images, labels, role, name)


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


def _of_pictures(listing: Listing, role: Role, shape: Shape, num_classes: int, name: str) -> Dataset:
    if listing.labels is not None:
        _require_range(listing.labels, num_classes, name)
        _require_all_classes(listing.labels, role, num_classes, name)
    return Dataset(PictureFiles(listing, shape), listing.labels, role, name, listing.other_labels)


def _npz_parts(path: Path, role: Role, name: str) -> tuple[str, NDArray[Any] | None]:
    """Return the name of the array of images, and the labels that belong to it."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{name}: expected an .npz file, received another kind of file.", hint=HINT)
    with reading(name), np.load(path, allow_pickle=False) as archive:
        found = archive.files
        x, y = next(((x, y) for x, y in _keys(role) if x in found), ("", ""))
        labels = archive[y] if y in found else None
    if not x:
        shown = ", ".join(map(printable, found)) or "nothing"
        raise DataError(f"{name}: expected the key x_train, x_test or x, received {shown}.", hint=HINT)
    return x, labels


def _keys(role: Role) -> Iterator[tuple[str, str]]:
    for part in ("train", "test") if role is Role.TRAIN else ("test", "train"):
        yield f"x_{part}", f"y_{part}"
    yield "x", "y"


def _checked_labels(labels: NDArray[Any], count: int, num_classes: int, name: str) -> Labels:
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
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
