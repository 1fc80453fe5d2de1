"""The images of the data set that a detector points at: listed, and the worst ones shown in one picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Suspects, SuspectSample
from gate.detectors.shared import sheets
from gate.detectors.shared.constants import integers
from gate.models.datasets.dataset import Dataset
from gate.models.numerics.arrays import Floats

Positions = NDArray[np.int64]

_LISTED, _COLUMNS, _ROWS = integers("training-set.suspects", "listed", "columns", "rows")
_LARGEST, _RULE = integers("training-set.suspects", "largest", "rule")


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
    blocks = [sheets.grid(_thumbnails(dataset, suspect), _COLUMNS)]
    if len(usual):
        width = blocks[0].shape[1]
        rule = np.full((sheets.GAP, width, 3), _RULE, np.uint8)
        blocks += [rule, sheets.grid(_thumbnails(dataset, usual), _COLUMNS)]
    return sheets.png(np.concatenate(blocks))


def _thumbnails(dataset: Dataset, positions: Positions) -> list[NDArray[np.uint8]]:
    order = np.argsort(positions, kind="stable")
    ascending = dataset.images[positions[order]]
    images = np.empty_like(ascending)
    images[order] = ascending
    return sheets.thumbnails(images, _LARGEST)
