"""A folder of pictures: with one sub-folder per class, or flat and without labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gate.core.data_names import PICTURES
from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.contract import Opened, Wanted
from gate.models.datasets.pictures import Listing, PictureFiles

FORM = "a folder with one sub-folder per class"
IS_LAST = True


def is_mine(path: Path) -> bool:
    """Return whether it is a folder."""
    return path.is_dir()


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open its pictures.

    Raises:
        DataError: There is none, one is broken, or the folders are not the network's classes.
    """
    listing = list_folder(path, wanted.num_classes)
    return Opened(PictureFiles(listing, wanted.shape), listing.labels, listing.other_labels)


def list_folder(root: Path, num_classes: int) -> Listing:
    """Return the pictures of a folder: of its sub-folders with their classes, or its own without.

    Classes are the sub-folders in alphabetical order, as `keras.utils.image_dataset_from_directory` counts them. Where
    all are named by numbers, these are the classes, and the alphabetical order (0, 1, 10, 2) stands beside.

    Raises:
        DataError: There is no picture, or the folders are not the network's classes.
    """
    folders = sorted(entry for entry in root.iterdir() if _is_class_folder(entry))
    if not folders:
        names = tuple(_pictures(root, root, deep=False))
        _require_pictures(names, root)
        return Listing(root, names, None)
    files = [tuple(_pictures(folder, root, deep=True)) for folder in folders]
    names = tuple(name for members in files for name in members)
    _require_pictures(names, root)
    counts = [len(members) for members in files]
    orders = _orders([folder.name for folder in folders], num_classes, root)
    labels = [np.repeat(np.array(order, np.int64), counts) for order in orders]
    return Listing(root, names, labels[0], labels[1] if len(labels) > 1 else None)


def _is_class_folder(entry: Path) -> bool:
    # A .git or .ipynb_checkpoints among the classes would shift every label.
    return entry.is_dir() and not entry.name.startswith(".")


def _pictures(folder: Path, root: Path, *, deep: bool) -> Iterable[str]:
    files = folder.rglob("*") if deep else folder.iterdir()
    return sorted(file.relative_to(root).as_posix() for file in files if file.suffix.lower() in PICTURES)


def _require_pictures(names: Sequence[str], root: Path) -> None:
    if not names:
        raise DataError(f"{printable(str(root))}: no pictures in it or in its sub-folders.")


def _orders(folders: Sequence[str], num_classes: int, root: Path) -> list[list[int]]:
    """Return the class of each folder, by each way of counting that makes sense."""
    alphabetical = [list(range(len(folders)))] if len(folders) == num_classes else []
    if all(name.isdecimal() for name in folders):
        numbers = [int(name) for name in folders]
        if len(set(numbers)) == len(numbers) and max(numbers) < num_classes:
            return [numbers, *(order for order in alphabetical if order != numbers)]
        if alphabetical:
            return [list(np.argsort(np.argsort(numbers, kind="stable"))), *alphabetical]
    if alphabetical:
        return alphabetical
    shown = printable(", ".join(folders), 100)
    raise DataError(
        f"{printable(str(root))}: expected {num_classes} class folders, received {len(folders)}: {shown}.",
        hint="One folder for each output of the model, in their order; an empty one for a class without pictures.",
    )
