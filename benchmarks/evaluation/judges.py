"""Judges of a network, each by one number: the gate's, each detector's alone, and those of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.evaluation.evidence import Row
from benchmarks.evaluation.metrics import Floats
from gate.core.evidence import Evidence
from gate.detectors.scoring.combination import combined

LIMIT = 2.0
# Iglewicz and Hoaglin's for a robust z-score, 1993.
_LIMIT_OF_HEADS = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a judge says of one network.

    Attributes:
        index: The larger, the more suspicious.
        label: Class that is blamed; None if none is.
    """

    index: float
    label: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One number for a network, and the limit above which it is blamed.

    Attributes:
        name: For tables.
        judgement_of: What it says of a network; None if it was not measured.
        limit: A network above it is blamed.
    """

    name: str
    judgement_of: Callable[[Row], Judgement | None]
    limit: float = LIMIT

    def blames(self, row: Row) -> bool:
        """Return whether a network is blamed."""
        judgement = self.judgement_of(row)
        return judgement is not None and judgement.index > self.limit

    def indices(self, rows: Iterable[Row]) -> Floats:
        """Return what is said of the networks that were measured."""
        return np.array([each.index for each in map(self.judgement_of, rows) if each is not None])

    def measured(self, rows: Iterable[Row]) -> list[Row]:
        """Return the networks of which anything is said."""
        return [row for row in rows if self.judgement_of(row) is not None]

    def is_right(self, row: Row) -> bool:
        """Return whether the class that is blamed is one that the attack aims at."""
        judgement = self.judgement_of(row)
        return judgement is not None and judgement.label in row.truth["targets"]


def _by_the_gate(row: Row) -> Judgement:
    """The default policy fails a network for one detector's index, or for the index of all evidence together."""
    index, label = combined(row.evidence)
    each = [item.anomaly_index or 0.0 for item in row.evidence]
    return Judgement(index=max([index, *each]), label=label)


def _judgement(
    items: Iterable[Evidence], detector: str, value: Callable[[Evidence], float | None]
) -> Judgement | None:
    """Return what one detector's evidence says; None if it is not among the items, or has no such value."""
    for item in items:
        index = value(item)
        if item.detector == detector and index is not None:
            return Judgement(index=index, label=next(iter(item.target_labels), None))
    return None


def _index(item: Evidence) -> float | None:
    return item.anomaly_index


def _paper(item: Evidence) -> float | None:
    return item.paper_statistic


def alone(detector: str) -> Judge:
    """Return the judge that takes one detector's index alone."""
    return Judge(
        name=f"{detector} alone", judgement_of=lambda row: _judgement(row.evidence, detector, _index)
    )


def without(detector: str) -> Judge:
    """Return the gate as a judge, with one detector left out; the joint limit stays as it was fitted with all."""

    def judgement_of(row: Row) -> Judgement:
        rest = tuple(item for item in row.evidence if item.detector != detector)
        return _by_the_gate(replace(row, evidence=rest))

    return Judge(name=f"without {detector}", judgement_of=judgement_of)


def _baseline(name: str, key: str, limit: float = LIMIT) -> Judge:
    return Judge(name=name, judgement_of=lambda row: _judgement(row.baselines, key, _index), limit=limit)


GATE = Judge(name="the gate", judgement_of=_by_the_gate)
PAPER = Judge(
    name="the paper's MAD index, our searches",
    judgement_of=lambda row: _judgement(row.evidence, "neural-cleanse", _paper),
)
REAL = _baseline("the gate, with real images", "real-images")
NOISE = _baseline("our index, searched from noise", "noise-inputs")
BASELINES = (
    REAL,
    alone("neural-cleanse"),
    PAPER,
    NOISE,
    Judge(
        name="the paper's MAD index, from noise",
        judgement_of=lambda row: _judgement(row.baselines, "noise-inputs", _paper),
    ),
    alone("maximum-margin"),
    _baseline("mean head weight", "head-mean", _LIMIT_OF_HEADS),
    _baseline("norm of head weights", "head-norm", _LIMIT_OF_HEADS),
)
