"""What detectors that examine a training set have in common: whether there is one, whom they blame, and its suspect samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Suspects
from gate.core.scale import LIMIT
from gate.detectors.shared.constants import integer
from gate.detectors.shared.contract import Context
from gate.detectors.training_set.suspects import suspects
from gate.models.datasets.dataset import FEWEST
from gate.models.features.activations import ClassSample
from gate.models.numerics.arrays import Floats

_USUAL = integer("training-set.blame.usual")


class Examined(Protocol):
    """A class that was looked at."""

    @property
    def sample(self) -> ClassSample:
        """What was looked at."""

    def score(self, activations: NDArray[np.float32]) -> Floats:
        """Return how suspect each sample is, shape ``(n,)`` from ``(n, d)``; above 0 is suspect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What the indices of the classes come to.

    Attributes:
        index: The largest.
        worst: Whose it is, as a position among the classes that were looked at.
        labels: The classes beyond the limit, worst first; the worst one if none is.
        suspects: Their suspect samples; None if no class is beyond the limit.
    """

    index: float
    worst: int
    labels: tuple[int, ...]
    suspects: Suspects | None


def missing(context: Context) -> str:
    """Return what is missing for a look at the training set; "" if nothing is."""
    if context.dataset is None:
        return "Needs a labelled training set; give one with --data."
    if context.dataset.labels is None:
        return "Needs labels; the data set has none."
    if context.dataset.role != "train":
        return "Needs the training set; the data set given is a clean one."
    assert context.representations is not None
    second, largest = ([0, *context.representations.class_sizes])[-2:]
    if second < FEWEST:
        return (
            f"Needs two classes of {FEWEST} samples or more, to compare them; "
            f"the largest ones have {largest} and {second}."
        )
    return ""


def blame(context: Context, examined: Sequence[Examined], indices: Floats, layer: str) -> Blame:
    """Return which classes the indices blame, and list their suspect samples.

    Args:
        context: With a labelled data set.
        examined: The classes that were looked at.
        indices: Of each, shape ``(k,)``.
        layer: Whose activations they score.
    """
    order = np.lexsort((np.arange(len(indices)), -indices))
    blamed = [examined[i] for i in order if indices[i] > LIMIT]
    worst = int(order[0])
    return Blame(
        index=float(indices[worst]),
        worst=worst,
        labels=tuple(each.sample.label for each in blamed or (examined[worst],)),
        suspects=_suspect_samples(context, blamed, layer) if blamed else None,
    )


def _suspect_samples(context: Context, blamed: Sequence[Examined], layer: str) -> Suspects | None:
    """Look through all members of the blamed classes, not only the sample, and list what is suspect."""
    assert context.dataset is not None
    assert context.dataset.labels is not None
    assert context.representations is not None
    positions, scores = [], []
    for each in blamed:
        for members, activations in context.representations.members(each.sample.label, layer):
            found = each.score(activations)
            positions.append(members[found > 0])
            scores.append(found[found > 0])
    worst = blamed[0].sample
    usual = worst.positions[np.argsort(blamed[0].score(worst.activations), kind="stable")[:_USUAL]]
    return suspects(
        context.dataset, context.dataset.labels, np.concatenate(positions), np.concatenate(scores), usual
    )
