"""Recovered triggers as 8-bit pictures: what an attacker could really put into an image file."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mask_png(mask: Floats) -> bytes:
    """Return a grey PNG of a mask, shape ``(h, w, 1)``, 0..1."""
    return _png(mask)


def pattern_png(pattern: Floats, mask: Floats) -> bytes:
    """Return a PNG of a pattern, shape ``(h, w, c)``, 0..1, black where the mask is empty.

    Outside its mask a pattern is random left-overs of the search, which would only mislead the eye.
    """
    return _png(np.where(mask * 255 >= 0.5, pattern, 0.0))


def _png(values: NDArray[np.floating]) -> bytes:
    from PIL import Image

    pixels = np.rint(values * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
