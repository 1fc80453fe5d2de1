"""The images of the data set that a detector points at: listed, and the worst ones shown in one picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Suspects, SuspectSample
from gate.models.datasets import Dataset

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_LISTED = 5000
_COLUMNS, _ROWS = 8, 6
# Small pictures are enlarged to about this many pixels a side, large ones shrunk.
_SIDE = 64
_GAP = 4
_PAPER, _RULE = 255, 128


def suspects(
    dataset: Dataset, labels: Positions, positions: Positions, scores: Floats, usual: Positions
) -> Suspects:
    """Return the list of suspect samples with its contact sheet.

    Args:
        dataset: Where they are.
        labels: Class of every image of the data set, stated or found, shape ``(n,)``.
        positions: Of the suspects in the data set, shape ``(m,)``, at least one.
        scores: How suspicious each is, shape ``(m,)``; larger is more.
        usual: Positions of a few usual samples of the same class, for comparison.
    """
    worst = np.lexsort((positions, -scores))
    samples = tuple(
        SuspectSample(
            index=int(positions[i]),
            file=dataset.images.name(int(positions[i])),
            label=int(labels[positions[i]]),
            score=float(scores[i]),
        )
        for i in worst[:_LISTED]
    )
    shown = positions[worst[: _COLUMNS * _ROWS]]
    return Suspects(count=len(positions), samples=samples, sheet_png=_sheet(dataset, shown, usual[:_COLUMNS]))


def _sheet(dataset: Dataset, suspect: Positions, usual: Positions) -> bytes:
    """Return a PNG: rows of suspects, a grey line, one row of usual samples."""
    from PIL import Image

    blocks = [_grid(_thumbnails(dataset, suspect))]
    if len(usual):
        width = blocks[0].shape[1]
        blocks += [np.full((_GAP, width, 3), _RULE, np.uint8), _grid(_thumbnails(dataset, usual))]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(blocks)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _thumbnails(dataset: Dataset, positions: Positions) -> list[NDArray[np.uint8]]:
    from PIL import Image

    order = np.argsort(positions, kind="stable")
    ascending = dataset.images[positions[order]]
    images = np.empty_like(ascending)
    images[order] = ascending
    height, width = images.shape[1:3]
    scale = max(1, _SIDE // max(height, width))
    thumbnails = []
    for pixels in np.rint(images * 255).astype(np.uint8):
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        # Whole pixels, enlarged without smoothing: a trigger of one pixel must stay visible.
        picture = picture.resize((width * scale, height * scale), Image.Resampling.NEAREST)
        picture.thumbnail((2 * _SIDE, 2 * _SIDE))
        thumbnails.append(np.asarray(picture))
    return thumbnails


def _grid(thumbnails: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return thumbnails of one size, eight to a row, on white; always eight columns wide."""
    height, width = thumbnails[0].shape[:2]
    rows = -(-len(thumbnails) // _COLUMNS)
    sheet = np.full((rows * (height + _GAP), _COLUMNS * (width + _GAP), 3), _PAPER, np.uint8)
    for number, thumbnail in enumerate(thumbnails):
        row, column = divmod(number, _COLUMNS)
        top, left = row * (height + _GAP), column * (width + _GAP)
        sheet[top : top + height, left : left + width] = thumbnail
    return sheet
