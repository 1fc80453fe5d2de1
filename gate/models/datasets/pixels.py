"""Arrays of pixels: whether they fit the network, and how they are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.models.datasets.contract import Shape
from gate.models.numerics.arrays import Images

# Pixels may be this much outside of the range: floating point arithmetic, or a resize that overshoots.
_SLACK = 0.02


@dataclass(frozen=True, slots=True)
class Pixels:
    """Raw pixels of one type and what they mean.

    Attributes:
        dtype: Of the array.
        low: Raw value of black.
        high: Raw value of white.
        name: Of the data set, for messages.
    """

    dtype: np.dtype[Any]
    low: float
    high: float
    name: str

    @staticmethod
    def of(dtype: np.dtype[Any], span: tuple[float, float], name: str) -> Pixels:
        """Return what pixels of a type mean; floating point images are expected in `span`, 8-bit images in 0..255.

        Raises:
            DataError: They are no numbers.
        """
        if dtype.kind not in "uif":
            raise DataError(f"{name}: expected numbers, received {dtype}.")
        return Pixels(dtype, *((0.0, 255.0) if dtype == np.uint8 else span), name)

    def images(self, raw: NDArray[Any]) -> Images:
        """Return them in 0..1."""
        return np.clip(self._scaled(raw), 0.0, 1.0)

    def check(self, raw: NDArray[Any], first: int) -> None:
        """Look whether pixels can be what they should be.

        Args:
            raw: Shape ``(n, h, w, c)``.
            first: Position of the first image, for the message.

        Raises:
            DataError: They cannot.
        """
        if self.dtype == np.uint8:
            return
        finite = np.isfinite(raw).reshape(len(raw), -1).all(axis=1)
        if not finite.all():
            where = first + int(np.argmin(finite))
            message = f"{self.name}: some pixels are NaN or infinite, first in image {where}."
            raise DataError(message, hint="Remove those images.")
        scaled = self._scaled(raw)
        if scaled.min() < -_SLACK or scaled.max() > 1 + _SLACK:
            raise DataError(
                f"{self.name}: expected pixels in {self.low:g}..{self.high:g}, "
                f"received {raw.min():g}..{raw.max():g}.",
                hint="Store 8-bit images (uint8), or state the model's range with --input-range LOW,HIGH.",
            )

    def _scaled(self, raw: NDArray[Any]) -> Images:
        scaled: Images = (raw.astype(np.float32) - np.float32(self.low)) / np.float32(self.high - self.low)
        return scaled


def require_shape(stored: tuple[int, ...], shape: Shape, name: str) -> None:
    """Refuse arrays of another shape.

    Args:
        stored: (n, height, width, channels) as it was found; one channel need not be said.
        shape: (height, width, channels) that the network expects.
        name: Of the data set, for the message.

    Raises:
        DataError: They differ, or there is no image.
    """
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
