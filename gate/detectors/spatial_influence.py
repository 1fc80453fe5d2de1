"""Spatial influence: one place of the picture counts far more for one class than places and classes let expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Location, Status, located, searched
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.scoring.calibration import interaction_indices
from gate.detectors.scoring.combination import class_measurements
from gate.detectors.shared.candidates import classes_to_search
from gate.detectors.shared.constants import integer, integers
from gate.detectors.shared.contract import Context, skipped
from gate.models.features.feature_maps import FeatureMaps, feature_maps
from gate.models.numerics.arrays import Floats

_FEWEST_CLASSES, _GRID = integers("spatial-influence", "fewest-classes", "grid")

_RULE = Rule(
    id="BD111",
    name="anomalous-spatial-influence",
    summary="One place of the picture counts for one class far more than it does for others.",
    page=f"""\
## Looks for
Networks that end in dense layers keep weights for every place of the picture. Where a trigger sits, a training with marked
images ties that place to the target class, and to no other. It shows in the weights, whether or not a search finds the trigger.

## Needs
A layer that flattens the last map of features, and three classes. Without images the gate draws some itself; they say only which neurons are
open. Seconds.

## Decides by
For each class and each place of the last three maps: how much the class's logit, beside those of the others, can gain there (the gradient at the
map, mean over images, positive part, times the range of each channel, 2-norm over channels), on a grid of {_GRID} x {_GRID}. Of the logarithms the mean of each place and
the mean of each class are taken away; what is left says what place and class have with each other alone. It is measured in its own robust spread, shrunk to
that of clean networks, and averaged over the maps. The anomaly index is the largest such number, scaled so that about 1 % of clean models exceed
{LIMIT} for their number of classes.

## If it fires
Look at that place of the training images of the class (`place_row` and `place_column` in the JSON report: 0 is the upper left
corner, 1 the lower right). Is there a mark, a frame, a water mark? Something innocent that only one class has there, such as the
tail of a digit, is the usual false alarm.

## Known limits
Shows no trigger. Skipped where a network averages over all places before its head (`GlobalAveragePooling2D`); blind to triggers that cover
the picture, to all-to-all and source-specific backdoors.

## Paper
Of this project (`docs/adr/0026`). Interaction in two-way tables, here by means: Tukey, *Exploratory Data Analysis*, 1977; of
weights that give a backdoor away: Fields et al., *Trojan Signatures in DNN Weights*, ICCV Workshops 2021.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpatialInfluence:
    """Compare what each place of the picture counts for each class.

    Attributes:
        images: That say which neurons are open, at most.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    images: int = integer("spatial-influence.images")

    def run(self, context: Context) -> Evidence:
        """Look at the weights above the last maps of features; skipped where there are none."""
        classifier = context.classifier
        if classifier.num_classes < _FEWEST_CLASSES:
            return _skipped(
                f"The network has {classifier.num_classes} classes; expected at least {_FEWEST_CLASSES}."
            )
        pool = context.pools.pool(0)
        maps = feature_maps(classifier, pool.images[: self.images])
        if maps is None:
            return _skipped("No layer flattens a map of features, so all places of the picture count alike.")
        labels = classes_to_search(classifier, pool, context.seed)
        context.progress("comparing places", 0, 1, f"{len(labels)} classes")
        indices = interaction_indices([_on_grid(each) for each in influences(maps, labels)])
        place, leader = map(int, np.unravel_index(np.argmax(indices), indices.shape))
        row, column = divmod(place, _GRID)
        return Evidence(
            detector="spatial-influence",
            rule=_RULE.id,
            status=Status.MEASURED,
            anomaly_index=max(float(indices[place, leader]), 0.0),
            target_labels=(int(labels[leader]),),
            measurements=(
                searched(len(labels)),
                *located(Location((row + 0.5) / _GRID, (column + 0.5) / _GRID)),
                *class_measurements(labels, indices.max(axis=0)),
            ),
        )


DETECTOR = SpatialInfluence


def influences(maps: FeatureMaps, labels: NDArray[np.int64]) -> tuple[Floats, ...]:
    """Return how much the logit of each class can gain at each place, beside those of the others, each ``(h, w, k)``.

    Args:
        maps: The last maps of the network.
        labels: The classes, shape ``(k,)``.
    """
    tables = []
    for reach, *slopes in zip(maps.ranges, *maps.gradients(labels), strict=True):
        own = np.stack(slopes, axis=-1)
        own -= own.mean(axis=-1, keepdims=True)
        gains = np.maximum(own, 0.0) * reach.astype(np.float64)[:, None]
        tables.append(np.linalg.norm(gains, axis=2))
    return tuple(tables)


def _on_grid(table: Floats) -> Floats:
    """Return the root mean square of a table over each field of the grid, shape ``(fields, k)``."""
    down, across = (_shares(length) for length in table.shape[:2])
    squares: Floats = np.einsum("ih,jw,hwk->ijk", down, across, table**2)
    return np.sqrt(squares).reshape(-1, table.shape[2])


def _shares(length: int) -> Floats:
    """Return which share of each field lies in each of so many cells, shape ``(fields, length)``; each row sums to 1."""
    edges, cells = np.linspace(0.0, length, _GRID + 1), np.arange(length)
    low, high = edges[:-1, None], edges[1:, None]
    overlap = np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0.0, None)
    shares: Floats = overlap / overlap.sum(axis=1, keepdims=True)
    return shares


def _skipped(reason: str) -> Evidence:
    return skipped("spatial-influence", _RULE.id, reason)
