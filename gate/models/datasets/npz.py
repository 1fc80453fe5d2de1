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
from gate.core.text import printable
from gate.models.datasets.batches import ImageSet, Positions, batched
from gate.models.numerics.arrays import Images

Shape = tuple[int, int, int]

HINT = (
    "Give an .npz with x_train (n, h, w, c) and y_train (n,), a folder with one sub-folder per class, "
    "or a .csv with the columns file and label."
)
_BLOCK_BYTES = 4 * 1024 * 1024
# Pixels may be this much outside of the range: floating point arithmetic, or a resize that overshoots.
_SLACK = 0.02


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
        _check_kind(self._dtype, self._name)
        _check_shape(stored, shape, self._name)
        if self._is_transposed:
            hint = "Save np.ascontiguousarray(images)."
            raise DataError(f"{self._name}: the images are stored column by column.", hint=hint)
        self._count = int(stored[0])
        self._low, self._high = (0.0, 255.0) if self._dtype == np.uint8 else span
        for first, block in self._blocks():
            self._check_pixels(block, first)

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
                yield np.clip(self._scaled(block[positions[start:stop] - first]), 0.0, 1.0)
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
            reading(self._name),
            zipfile.ZipFile(self._path) as archive,
            archive.open(f"{self._key}.npy") as member,
        ):
            yield member, _header(member)

    def _scaled(self, raw: NDArray[Any]) -> Images:
        scaled: Images = (raw.astype(np.float32) - np.float32(self._low)) / np.float32(self._high - self._low)
        return scaled

    def _check_pixels(self, raw: NDArray[Any], first: int) -> None:
        if self._dtype == np.uint8:
            return
        finite = np.isfinite(raw).reshape(len(raw), -1).all(axis=1)
        if not finite.all():
            where = first + int(np.argmin(finite))
            message = f"{self._name}: some pixels are NaN or infinite, first in image {where}."
            raise DataError(message, hint="Remove those images.")
        scaled = self._scaled(raw)
        if scaled.min() < -_SLACK or scaled.max() > 1 + _SLACK:
            raise DataError(
                f"{self._name}: expected pixels in {self._low:g}..{self._high:g}, "
                f"received {raw.min():g}..{raw.max():g}.",
                hint="Store 8-bit images (uint8), or state the model's range with --input-range LOW,HIGH.",
            )


@contextmanager
def reading(name: str) -> Iterator[None]:
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
        raise DataError(message, hint=HINT) from error


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_transposed, dtype = read(member)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects, which are never loaded")
    return tuple(shape), is_transposed, dtype


def _check_kind(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind not in "uif":
        raise DataError(f"{name}: expected numbers, received {dtype}.", hint=HINT)


def _check_shape(stored: tuple[int, ...], shape: Shape, name: str) -> None:
    if len(stored) == 3 and shape[2] == 1:
        stored = (*stored, 1)
    if stored[1:] == shape and stored[0]:
        return
    expected, received = " x ".join(map(str, shape)), " x ".join(map(str, stored)) or "one number"
    raise DataError(
        f"{name}: the images do not fit the model: expected n x {expected}, received {received}.",
        hint=_mend_shape(stored, shape),
    )


def _mend_shape(stored: tuple[int, ...], shape: Shape) -> str:
    """Return what to do, by the commonest mistakes."""
    height, width, channels = shape
    if len(stored) == 4 and stored[1:] == (channels, height, width):
        return "The channels come first; save images.transpose(0, 2, 3, 1)."
    if channels == 3 and stored[1:] in ((height, width), (height, width, 1)):
        return "The images are grey, the model takes colour: save the grey values three times, as it was trained."
    if channels == 1 and stored[1:] == (height, width, 3):
        return "The images have colours, the model takes grey: convert them as for its training."
    return "Resize or convert them to the model's input shape, as for its training."
