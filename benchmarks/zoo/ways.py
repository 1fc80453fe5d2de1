"""Ways to judge a network of the zoo by one number: the gate's, each detector's alone, and those of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.zoo.evidence import Row
from benchmarks.zoo.metrics import Floats
from gate.core.evidence import Evidence
from gate.detectors.scoring.combination import combined

LIMIT = 2.0
# Iglewicz and Hoaglin's for a robust z-score, 1993.
_LIMIT_OF_HEADS = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a way says of one network.

    Attributes:
        index: The larger, the more suspicious.
        label: Class that is blamed; None if none is.
    """

    index: float
    label: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to judge.

    Attributes:
        name: For tables.
        tell: What it says of a network; None if it was not measured.
        limit: A network above it is blamed.
    """

    name: str
    tell: Callable[[Row], Told | None]
    limit: float = LIMIT

    def blames(self, row: Row) -> bool:
        """Return whether a network is blamed."""
        told = self.tell(row)
        return told is not None and told.index > self.limit

    def indices(self, rows: Iterable[Row]) -> Floats:
        """Return what is said of the networks that were measured."""
        return np.array([told.index for told in map(self.tell, rows) if told is not None])

    def measured(self, rows: Iterable[Row]) -> list[Row]:
        """Return the networks of which anything is said."""
        return [row for row in rows if self.tell(row) is not None]

    def is_right(self, row: Row) -> bool:
        """Return whether the class that is blamed is one that the attack aims at."""
        told = self.tell(row)
        return told is not None and told.label in row.truth["targets"]


def _by_the_gate(row: Row) -> Told:
    """The default policy fails a network for one detector's index, or for the index of all evidence together."""
    index, label = combined(row.evidence)
    each = [item.anomaly_index or 0.0 for item in row.evidence]
    return Told(index=max([index, *each]), label=label)


def _told(items: Iterable[Evidence], detector: str, value: Callable[[Evidence], float | None]) -> Told | None:
    """Return what one detector's evidence says; None if it is not among the items, or has no such value."""
    for item in items:
        index = value(item)
        if item.detector == detector and index is not None:
            return Told(index=index, label=next(iter(item.target_labels), None))
    return None


def _index(item: Evidence) -> float | None:
    return item.anomaly_index


def _paper(item: Evidence) -> float | None:
    return item.paper_statistic


def alone(detector: str) -> Way:
    """Return the way of one detector's index alone."""
    return Way(name=f"{detector} alone", tell=lambda row: _told(row.evidence, detector, _index))


def without(detector: str) -> Way:
    """Return the gate's way with one detector left out; the joint limit stays as it was fitted with all."""

    def tell(row: Row) -> Told:
        rest = tuple(item for item in row.evidence if item.detector != detector)
        return _by_the_gate(replace(row, evidence=rest))

    return Way(name=f"without {detector}", tell=tell)


def _rival(name: str, key: str, limit: float = LIMIT) -> Way:
    return Way(name=name, tell=lambda row: _told(row.rivals, key, _index), limit=limit)


GATE = Way(name="the gate", tell=_by_the_gate)
PAPER = Way(
    name="the paper's MAD index, our searches", tell=lambda row: _told(row.evidence, "neural-cleanse", _paper)
)
REAL = _rival("the gate, with real images", "real-images")
NOISE = _rival("our index, searched from noise", "noise-inputs")
RIVALS = (
    REAL,
    alone("neural-cleanse"),
    PAPER,
    NOISE,
    Way(name="the paper's MAD index, from noise", tell=lambda row: _told(row.rivals, "noise-inputs", _paper)),
    alone("maximum-margin"),
    _rival("mean head weight", "head-mean", _LIMIT_OF_HEADS),
    _rival("norm of head weights", "head-norm", _LIMIT_OF_HEADS),
)
