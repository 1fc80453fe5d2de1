"""What a form of data sets is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from gate.core.job import Role
from gate.models.datasets.batches import ImageSet
from gate.models.numerics.arrays import Labels

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What fits the network.

    Attributes:
        role: What the images are to the model.
        shape: (height, width, channels) that it expects.
        num_classes: How many it knows.
        span: Raw (low, high); floating point images are expected in it, 8-bit images in 0..255.
    """

    role: Role
    shape: Shape
    num_classes: int
    span: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Opened:
    """What lies in a file or folder.

    Attributes:
        images: Of the network's input shape, read when asked for.
        labels: As they are stored, one for each image or one row of classes; None without labels.
        other_labels: The same if the class folders are counted in the other usual order; None if there is none.
    """

    images: ImageSet
    labels: NDArray[Any] | None
    other_labels: Labels | None = None
