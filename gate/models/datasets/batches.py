"""Images that are read in batches, however many there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from gate.models.numerics.arrays import Images

Positions = NDArray[np.int64]

# Images of one batch: enough to keep TensorFlow busy, a few MB each.
BATCH = 256


class ImageSet(ABC):
    """Images of one shape, scaled to 0..1, read when they are asked for; memory is that of a batch."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many images there are."""

    @abstractmethod
    def name(self, position: int) -> str:
        """Return the file of one image, relative to the data set; "" if it has none of its own."""

    @abstractmethod
    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the images at ascending positions, in one pass and in batches of at most `BATCH`.

        Raises:
            DataError: An image cannot be read.
        """

    def __getitem__(self, positions: Positions) -> Images:
        """Return the images at ascending positions, shape ``(n, h, w, c)``; they should fit in memory."""
        return np.concatenate(list(self.stream(positions)))


class ImageArray(ImageSet):
    """Images that are in memory already.

    Args:
        images: Shape ``(n, h, w, c)``, 0..1.
    """

    def __init__(self, images: Images) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def name(self, position: int) -> str:
        """Return "": they have no files."""
        return ""

    def stream(self, positions: Positions) -> Iterator[Images]:
        """Yield the images at these positions."""
        for start in range(0, len(positions), BATCH):
            yield self._images[positions[start : start + BATCH]]


def batched(pieces: Iterable[Images]) -> Iterator[Images]:
    """Yield the same images in batches of `BATCH`; a piece may be of any size, even empty."""
    waiting: list[Images] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        if count >= BATCH:
            images = np.concatenate(waiting)
            whole = count - count % BATCH
            for start in range(0, whole, BATCH):
                yield images[start : start + BATCH]
            waiting, count = [images[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)
