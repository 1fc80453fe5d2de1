"""The numbers that a network takes for a pixel: what stands outside of it, and what it does itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Name: what the network takes, and the layer that it begins with.
SPANS = {
    "unit": ("0..1", ""),
    "bytes": ("0..255", "rescaling to 0..1"),
    "signed": ("-1..1", ""),
    "standardised": ("per channel, mean 0 and deviation 1 over the training images", ""),
    "raw-bytes": ("0..255", ""),
    "bytes-signed": ("0..255", "rescaling to -1..1"),
    "bytes-normalised": ("0..255", "normalisation per channel"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How images in 0..1 become a network's input: ``offset + scale * image``, per channel.

    Attributes:
        offset: Input for 0, one per channel.
        scale: What 1 adds to it, one per channel.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest input over all channels."""
        return min(self.offset), max(low + size for low, size in zip(self.offset, self.scale, strict=True))

    def encode(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the network takes, float32, the same shape."""
        return (np.array(self.offset) + np.array(self.scale) * images).astype(np.float32)


def span(name: str, images: NDArray[np.float32]) -> Span:
    """Return the span of that name for these training images, 0..1, shape ``(n, h, w, c)``."""
    channels = images.shape[3]
    if name == "standardised":
        mean, deviation = _moments(images)
        return Span(
            offset=tuple((-mean / deviation).tolist()),
            scale=tuple((1 / deviation).tolist()),
        )
    low, high = {"unit": (0.0, 1.0), "signed": (-1.0, 1.0)}.get(name, (0.0, 255.0))
    return Span(offset=(low,) * channels, scale=(high - low,) * channels)


def inside(name: str, inputs: Any, images: NDArray[np.float32]) -> Any:
    """Return the Keras tensor after the layers that the network begins with, for these training images, 0..1."""
    from keras import layers

    if name == "bytes":
        return layers.Rescaling(1 / 255)(inputs)
    if name == "bytes-signed":
        return layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    if name == "bytes-normalised":
        mean, deviation = _moments(images)
        return layers.Normalization(mean=255 * mean, variance=(255 * deviation) ** 2)(inputs)
    return inputs


def _moments(images: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    axes = (0, 1, 2)
    return images.mean(axes, dtype=np.float64).round(4), images.std(axes, dtype=np.float64).round(4) + 1e-4
