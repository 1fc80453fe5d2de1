"""Contact sheets: many images in one picture, each pixel of a small one visible."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integers

Floats = NDArray[np.floating]
Pixels = NDArray[np.uint8]

_SIDE, GAP = integers("shared.sheets", "side", "gap")
_PAPER = 255


def thumbnails(images: Floats, largest: int) -> list[Pixels]:
    """Return images, shape ``(n, h, w, 1 or 3)``, 0..1, as coloured pictures of one size.

    Args:
        images: What to show.
        largest: Pixels a side beyond which a picture is shrunk.
    """
    from PIL import Image

    height, width = images.shape[1:3]
    scale = max(1, _SIDE // max(height, width))
    made = []
    for pixels in np.rint(images * 255).astype(np.uint8):
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        # Whole pixels, enlarged without smoothing: a trigger of one pixel must stay visible.
        picture = picture.resize((width * scale, height * scale), Image.Resampling.NEAREST)
        picture.thumbnail((largest, largest))
        made.append(np.asarray(picture))
    return made


def grid(pictures: Sequence[Pixels], columns: int) -> Pixels:
    """Return pictures of one size in rows on white; always that many columns wide."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + GAP), columns * (width + GAP), 3), _PAPER, np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * (height + GAP), column * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def png(pixels: Pixels) -> bytes:
    """Return a sheet as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
