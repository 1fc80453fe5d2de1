"""Pictures in files: a folder with one sub-folder per class, a flat folder, or a CSV list with labels."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.batches import BATCH, ImageSet, Positions
from gate.models.datasets.npz import HINT, Shape
from gate.models.numerics.arrays import Images, Labels

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm"})
_FILE_COLUMNS = ("file", "filename", "path", "image")
_LABEL_COLUMNS = ("label", "class", "classid", "class_id", "target")


@dataclass(frozen=True, slots=True)
class Listing:
    """Pictures and their classes, not opened yet.

    Attributes:
        root: Folder that the names start from.
        names: Of the files, with forward slashes.
        labels: Class of each, shape ``(n,)``; None without labels.
        other_labels: The same if the folders are counted in the other usual order; None if that makes no difference.
    """

    root: Path
    names: tuple[str, ...]
    labels: Labels | None
    other_labels: Labels | None = None


class PictureFiles(ImageSet):
    """Pictures that are decoded when they are asked for, resized to the network's input.

    Args:
        listing: Which files.
        shape: (height, width, channels) that the network expects.

    Raises:
        DataError: A file is no picture. Only its beginning is read now, the rest when it is asked for.
    """

    def __init__(self, listing: Listing, shape: Shape) -> None:
        self._root, self._names, self._shape = listing.root, listing.names, shape
        for name in self._names:
            _decoded(self._root / name, None)

    def __len__(self) -> int:
        return len(self._names)

    def name(self, position: int) -> str:
        """Return the file's name below the root."""
        return self._names[position]

    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the pictures at these positions."""
        for start in range(0, len(positions), BATCH):
            chosen = positions[start : start + BATCH]
            pixels = np.stack([_decoded(self._root / self._names[i], self._shape) for i in chosen])
            yield pixels.astype(np.float32) / np.float32(255)


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


def list_csv(path: Path) -> Listing:
    """Return the pictures that a CSV file names, with their labels.

    It needs a header with a column file (or filename, path, image) and may have a column label (or class, ClassId,
    target). Files are relative to the CSV's folder and may not leave it.

    Raises:
        DataError: A column is missing, or a row does not make sense.
    """
    name = printable(str(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text)
            columns = {column.strip().lower(): column for column in rows.fieldnames or ()}
            table = list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: cannot be read as CSV ({printable(str(error))}).", hint=HINT) from error
    file_column = next((columns[key] for key in _FILE_COLUMNS if key in columns), None)
    if file_column is None or not table:
        raise DataError(
            f"{name}: expected rows and a column named file, received {_told(columns)}.",
            hint="Begin with a header line: file,label",
        )
    files = tuple(_inside(row[file_column], name, line) for line, row in enumerate(table, 2))
    label_column = next((columns[key] for key in _LABEL_COLUMNS if key in columns), None)
    if label_column is None:
        return Listing(path.parent, files, None)
    labels = [_whole(row[label_column], name, line) for line, row in enumerate(table, 2)]
    return Listing(path.parent, files, np.array(labels, np.int64))


def _told(columns: Collection[str]) -> str:
    """Return the columns' names, unless none is known: the file may be no list, and a secret."""
    if columns and not any(key in columns for key in (*_FILE_COLUMNS, *_LABEL_COLUMNS)):
        return f"{len(columns)} columns with other names"
    return f"the columns {printable(', '.join(columns)) or 'nothing'}"


def _is_class_folder(entry: Path) -> bool:
    # A .git or .ipynb_checkpoints among the classes would shift every label.
    return entry.is_dir() and not entry.name.startswith(".")


def _pictures(folder: Path, root: Path, *, deep: bool) -> Iterable[str]:
    files = folder.rglob("*") if deep else folder.iterdir()
    return sorted(file.relative_to(root).as_posix() for file in files if file.suffix.lower() in _PICTURES)


def _require_pictures(names: Sequence[str], root: Path) -> None:
    if not names:
        raise DataError(f"{printable(str(root))}: no pictures in it or in its sub-folders.", hint=HINT)


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


def _inside(text: str | None, name: str, line: int) -> str:
    file = PurePosixPath((text or "").strip().replace("\\", "/"))
    if not file.name or file.is_absolute() or ".." in file.parts:
        raise DataError(
            f"{name}:{line}: expected a file below the CSV's folder, received {printable(text or 'nothing', 100)}.",
            hint="Write paths relative to the folder of the CSV file.",
        )
    return file.as_posix()


def _whole(text: str | None, name: str, line: int) -> int:
    try:
        return int(text or "")
    except ValueError as error:
        raise DataError(
            f"{name}:{line}: expected a whole-number label, received {printable(text or 'nothing', 100)}.",
            hint="Number the classes from 0, in the order of the model's outputs.",
        ) from error


def _decoded(file: Path, shape: Shape | None) -> NDArray[np.uint8]:
    """Return a picture of this shape; without a shape, only look whether it is one."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as picture:
            if shape is None:
                return np.empty(0, np.uint8)
            height, width, channels = shape
            fitted = picture.convert("L" if channels == 1 else "RGB")
            if fitted.size != (width, height):
                # As `image_dataset_from_directory` does by default.
                fitted = fitted.resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{printable(str(file))}: not a picture that can be read.", hint="Remove or mend it."
        ) from error
    return np.asarray(fitted, np.uint8).reshape(shape)
