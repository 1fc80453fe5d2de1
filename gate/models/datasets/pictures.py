"""Pictures, in files or in memory, as bytes of PNG, JPEG and their like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.batches import BATCH, ImageSet, Positions
from gate.models.datasets.contract import Shape
from gate.models.numerics.arrays import Images, Labels

# Pillow knows others that start programs (EPS) or hold what nobody takes for a picture.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")


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
            require_picture(self._root / name, printable(str(self._root / name)))

    def __len__(self) -> int:
        return len(self._names)

    def name(self, position: int) -> str:
        """Return the file's name below the root."""
        return self._names[position]

    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the pictures at these positions."""
        for start in range(0, len(positions), BATCH):
            chosen = positions[start : start + BATCH]
            pixels = np.stack([self._decoded(self._names[i]) for i in chosen])
            yield pixels.astype(np.float32) / np.float32(255)

    def _decoded(self, name: str) -> NDArray[np.uint8]:
        file = self._root / name
        return decoded(file, self._shape, printable(str(file)))


def require_picture(source: Path | bytes, name: str) -> None:
    """Look by its beginning whether something is a picture.

    Args:
        source: File or content.
        name: For the message.

    Raises:
        DataError: It is none.
    """
    with _opened(source, name):
        pass


def decoded(source: Path | bytes, shape: Shape, name: str) -> NDArray[np.uint8]:
    """Return a picture in this shape (height, width, channels), resized as `image_dataset_from_directory` does by default.

    Args:
        source: File or content.
        shape: (height, width, channels).
        name: For the message.

    Raises:
        DataError: It cannot be read.
    """
    from PIL import Image

    height, width, channels = shape
    with _opened(source, name) as picture:
        fitted = picture.convert("L" if channels == 1 else "RGB")
        if fitted.size != (width, height):
            fitted = fitted.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(fitted, np.uint8).reshape(shape)


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(
            BytesIO(source) if isinstance(source, bytes) else source, formats=_FORMATS
        ) as picture:
            yield picture
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: not a picture that can be read.", hint="Remove or mend it.") from error
