"""Images in a stream of elements, each of one image or a batch of them, as pixels or as encoded pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.models.datasets.batches import BATCH, ImageSet, Positions, batched
from gate.models.datasets.contract import Opened, Wanted
from gate.models.datasets.label_forms import as_numbers
from gate.models.datasets.pictures import decoded, require_picture
from gate.models.datasets.pixels import Pixels, require_shape
from gate.models.numerics.arrays import Images

# What images and labels are usually called, the best name first.
IMAGE_NAMES = (
    "image/encoded",
    "image",
    "images",
    "image_raw",
    "image/raw",
    "img",
    "encoded",
    "picture",
    "pixels",
    "x",
)
LABEL_NAMES = ("image/class/label", "label", "labels", "class", "class_id", "target", "y")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one element holds.

    Attributes:
        images: Pixels of shape ``(n, h, w, c)``, ``(n, h, w)``, or of one image without n; or encoded pictures.
        labels: As they are stored: one for each image, or for the one image; None without labels.
    """

    images: NDArray[Any] | tuple[bytes, ...]
    labels: NDArray[Any] | None


class Elements(ABC):
    """A data set that is read element by element, in an order that is always the same.

    Attributes:
        name: Of the file or folder, printable.
    """

    name: str

    @abstractmethod
    def raw(self, *, verify: bool) -> Iterator[tuple[str, Any]]:
        """Yield (where it lies, element), not looked into yet; with `verify` everything is compared with its check sums.

        Raises:
            DataError: A file is damaged.
        """

    @abstractmethod
    def piece(self, where: str, element: Any) -> Piece:
        """Return what an element holds.

        Raises:
            DataError: That cannot be understood.
        """


class ElementImages(ImageSet):
    """The images of a stream of elements; all are checked once, when it is opened.

    Args:
        elements: The stream.
        wanted: What fits the network.

    Attributes:
        labels: As they are stored; None without labels.

    Raises:
        DataError: Something is damaged or does not fit, with what was expected and received.
    """

    def __init__(self, elements: Elements, wanted: Wanted) -> None:
        self._elements, self._shape, self._span = elements, wanted.shape, wanted.span
        counts: list[int] = []
        labels: list[NDArray[Any] | None] = []
        for where, element in elements.raw(verify=True):
            piece = self._piece(where, element)
            counts.append(len(piece.images))
            self._check(where, piece)
            labels.append(_labels(where, piece, wanted.num_classes))
        self._ends = np.cumsum(counts, dtype=np.int64)
        if not sum(counts):
            raise DataError(f"{elements.name}: no images in it.")
        self.labels = _together(labels, elements.name)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def name(self, position: int) -> str:
        """Return "": they have no files of their own."""
        return ""

    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the images at these positions in one pass through the elements."""
        return batched(self._chosen(positions))

    def _chosen(self, positions: Positions) -> Iterator[Images]:
        first = 0
        for (where, element), end in zip(self._elements.raw(verify=False), self._ends, strict=False):
            start, stop = np.searchsorted(positions, (first, end))
            if stop > start:
                yield from self._images(where, self._piece(where, element), positions[start:stop] - first)
            if stop == len(positions):
                return
            first = int(end)

    def _piece(self, where: str, element: Any) -> Piece:
        """Return an element's images with their number in front, and as many labels."""
        piece = self._elements.piece(where, element)
        images = piece.images
        if isinstance(images, tuple):
            return piece
        images = images[np.newaxis] if self._is_one(images.shape) else images
        require_shape(images.shape, self._shape, where)
        return Piece(images.reshape(-1, *self._shape), piece.labels)

    def _is_one(self, shape: tuple[int, ...]) -> bool:
        """Return whether this is the shape of one image; of a batch of grey ones it may have as many dimensions."""
        return shape == self._shape or len(shape) == 2 or (len(shape) == 3 and shape[1:] != self._shape[:2])

    def _check(self, where: str, piece: Piece) -> None:
        if isinstance(piece.images, tuple):
            for content in piece.images:
                require_picture(content, where)
        else:
            Pixels.of(piece.images.dtype, self._span, where).check(piece.images, 0)

    def _images(self, where: str, piece: Piece, rows: Positions) -> Iterator[Images]:
        for start in range(0, len(rows), BATCH):
            chosen = rows[start : start + BATCH]
            if isinstance(piece.images, tuple):
                pictures = np.stack([decoded(piece.images[row], self._shape, where) for row in chosen])
                yield pictures.astype(np.float32) / np.float32(255)
            else:
                yield Pixels.of(piece.images.dtype, self._span, where).images(piece.images[chosen])


def opened(elements: Elements, wanted: Wanted) -> Opened:
    """Return the images of a stream of elements, and their labels.

    Raises:
        DataError: Something is damaged or does not fit.
    """
    images = ElementImages(elements, wanted)
    return Opened(images, images.labels)


def _labels(where: str, piece: Piece, num_classes: int) -> NDArray[Any] | None:
    """Return the labels of a piece, a row for each image, as numbers where they can be read as such."""
    if piece.labels is None:
        return None
    labels = piece.labels
    if len(piece.images) == 1 and labels.shape[:1] != (1,):
        labels = labels[np.newaxis]
    if labels.shape[:1] != (len(piece.images),):
        raise DataError(
            f"{where}: expected {len(piece.images)} labels, received an array of shape {labels.shape}.",
            hint="Store one label for each image, and batch both alike.",
        )
    return as_numbers(labels, num_classes)


def _together(labels: list[NDArray[Any] | None], name: str) -> NDArray[Any] | None:
    known = [each for each in labels if each is not None]
    if not known:
        return None
    kinds = {(each.dtype, each.shape[1:]) for each in known}
    if len(known) < len(labels) or len(kinds) > 1:
        raise DataError(
            f"{name}: expected a label of the same type for every image, received some without or of another type.",
            hint="Store labels for all images, as integers, or for none.",
        )
    return np.concatenate(known)
