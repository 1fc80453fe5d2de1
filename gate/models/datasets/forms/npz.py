"""Images in an .npz file, streamed out of the archive: neither unpacked to disk nor held in memory."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.job import Role
from gate.core.text import printable
from gate.models.datasets.batches import ImageSet, Positions, batched
from gate.models.datasets.contract import Opened, Shape, Wanted
from gate.models.datasets.pixels import Pixels, require_shape
from gate.models.numerics.arrays import Images

FORM = "an .npz with x_train (n, h, w, c) and y_train (n,)"
IS_LAST = True

_BLOCK_BYTES = 4 * 1024 * 1024


def is_mine(path: Path) -> bool:
    """Return whether it is a file: one of another kind is refused as what it is not."""
    return path.is_file()


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open the part that fits the role: x_test/y_test of clean images, x_train/y_train of a training set, or x/y.

    Raises:
        DataError: The file is damaged or does not fit.
    """
    key, labels = _parts(path, wanted.role)
    return Opened(NpzImages(path, key, wanted.shape, wanted.span), labels)


class NpzImages(ImageSet):
    """The images of one array of an .npz file; all are checked once, when it is opened.

    Args:
        path: The file.
        key: Name of the array.
        shape: (height, width, channels) that the network expects.
        span: Raw (low, high); floating point images are expected in it, 8-bit images in 0..255.

    Raises:
        DataError: The file is damaged or does not fit, with what was expected and received.
    """

    def __init__(self, path: Path, key: str, shape: Shape, span: tuple[float, float]) -> None:
        self._path, self._key, self._shape = path, key, shape
        self._name = printable(str(path))
        with self._opened() as (_, header):
            stored, self._is_transposed, self._dtype = header
        self._pixels = Pixels.of(self._dtype, span, self._name)
        require_shape(stored, shape, self._name)
        if self._is_transposed:
            hint = "Save np.ascontiguousarray(images)."
            raise DataError(f"{self._name}: the images are stored column by column.", hint=hint)
        self._count = int(stored[0])
        for first, block in self._blocks():
            self._pixels.check(block, first)

    def __len__(self) -> int:
        return self._count

    def name(self, position: int) -> str:
        """Return "": an array has no files."""
        return ""

    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the images at these positions in one pass through the array."""
        return batched(self._chosen(positions))

    def _chosen(self, positions: Positions) -> Iterator[Images]:
        for first, block in self._blocks():
            start, stop = np.searchsorted(positions, (first, first + len(block)))
            if stop > start:
                yield self._pixels.images(block[positions[start:stop] - first])
            if stop == len(positions):
                return

    def _blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield (position of the first image, raw images), block by block from the beginning."""
        row = self._dtype.itemsize * math.prod(self._shape)
        rows = max(1, _BLOCK_BYTES // row)
        with self._opened() as (member, _):
            for first in range(0, self._count, rows):
                wanted = min(rows, self._count - first)
                content = member.read(wanted * row)
                if len(content) < wanted * row:
                    raise ValueError(f"{self._key} ends at image {first + len(content) // row}")
                yield first, np.frombuffer(content, self._dtype).reshape(wanted, *self._shape)

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], tuple[tuple[int, ...], bool, np.dtype[Any]]]]:
        """Yield the array's bytes, its header already read, and (shape, whether it is transposed, type)."""
        with (
            _reading(self._name),
            zipfile.ZipFile(self._path) as archive,
            archive.open(f"{self._key}.npy") as member,
        ):
            yield member, _header(member)


def _parts(path: Path, role: Role) -> tuple[str, NDArray[Any] | None]:
    """Return the name of the array of images, and the labels that belong to it."""
    name = printable(str(path))
    if not zipfile.is_zipfile(path):
        raise DataError(f"{name}: expected an .npz file, received another kind of file.")
    with _reading(name), np.load(path, allow_pickle=False) as archive:
        found = archive.files
        x, y = next(((x, y) for x, y in _keys(role) if x in found), ("", ""))
        labels = archive[y] if y in found else None
    if not x:
        shown = ", ".join(map(printable, found)) or "nothing"
        raise DataError(f"{name}: expected the key x_train, x_test or x, received {shown}.")
    return x, labels


def _keys(role: Role) -> Iterator[tuple[str, str]]:
    for part in ("train", "test") if role is Role.TRAIN else ("test", "train"):
        yield f"x_{part}", f"y_{part}"
    yield "x", "y"


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn what a damaged archive causes into an error that names the file."""
    try:
        yield
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        message = f"{name}: cannot be read as .npz ({printable(str(error))})."
        raise DataError(message) from error


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_transposed, dtype = read(member)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects, which are never loaded")
    return tuple(shape), is_transposed, dtype
