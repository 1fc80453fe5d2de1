"""Recovered triggers as 8-bit pictures: what an attacker could really put into an image file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared import sheets
from gate.detectors.shared.constants import integers
from gate.models.numerics.arrays import Singles

_EXAMPLES, _SIDE = integers("shared.pictures", "examples", "side")


def mask_png(mask: Singles) -> bytes:
    """Return a grey PNG of a mask, shape ``(h, w, 1)``, 0..1."""
    return _png(mask)


def pattern_png(pattern: Singles, mask: Singles) -> bytes:
    """Return a PNG of a pattern, shape ``(h, w, c)``, 0..1, black where the mask is empty.

    Outside its mask a pattern is random left-overs of the search, which would only mislead the eye.
    """
    return _png(np.where(mask * 255 >= 0.5, pattern, 0.0))


def examples_png(images: Singles, stamped: Singles, labels: NDArray[np.integer]) -> bytes:
    """Return a PNG of a few images, and below each the same with the trigger on it.

    Args:
        images: Shape ``(n, h, w, c)``, 0..1.
        stamped: The same images with the trigger.
        labels: What the network takes each image for without it, shape ``(n,)``; one of each class is shown.

    Returns:
        The picture; b"" without images.
    """
    chosen = np.sort(np.unique(labels, return_index=True)[1])[:_EXAMPLES]
    if not len(chosen):
        return b""
    shown = np.concatenate([images[chosen], np.clip(stamped[chosen], 0.0, 1.0)])
    return sheets.png(sheets.grid(sheets.thumbnails(shown, _SIDE), len(chosen)))


def _png(values: NDArray[np.floating]) -> bytes:
    pixels = np.rint(values * 255).astype(np.uint8)
    return sheets.png(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
