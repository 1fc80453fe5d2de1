"""A CSV list of pictures, with or without labels."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path, PurePosixPath

import numpy as np

from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.contract import Opened, Wanted
from gate.models.datasets.pictures import Listing, PictureFiles

FORM = "a .csv with the columns file and label"
IS_LAST = False

_FILE_COLUMNS = ("file", "filename", "path", "image")
_LABEL_COLUMNS = ("label", "class", "classid", "class_id", "target")


def is_mine(path: Path) -> bool:
    """Return whether it is a file whose name ends so."""
    return path.is_file() and path.suffix.lower() == ".csv"


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open the pictures that it names.

    Raises:
        DataError: It is no such list, or a picture is broken.
    """
    listing = list_csv(path)
    return Opened(PictureFiles(listing, wanted.shape), listing.labels)


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
        raise DataError(f"{name}: cannot be read as CSV ({printable(str(error))}).") from error
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
