"""What would its neighbours call it? A second opinion on labels that does not ask the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integers
from gate.models.features.activations import ClassSample
from gate.models.numerics.arrays import Floats

Positions = NDArray[np.int64]

_NEIGHBOURS, _REFERENCE, _ASKED = integers("training-set.neighbours", "neighbours", "reference", "asked")


class Neighbours:
    """Looks up the most similar pictures of a training set.

    An image with a backdoor's label for another reason than its content lies among the pictures of another class.

    Args:
        samples: Of all classes, small ones too: their images may be poisoned into a large one.
    """

    def __init__(self, samples: Sequence[ClassSample]) -> None:
        from sklearn.neighbors import NearestNeighbors

        sizes = np.array([len(sample.positions) for sample in samples])
        kept = [(sample, _spread(sample, count)) for sample, count in zip(samples, _fair(sizes), strict=True)]
        self._positions = np.concatenate([sample.positions[chosen] for sample, chosen in kept])
        self._labels = np.concatenate([np.full(len(chosen), sample.label) for sample, chosen in kept])
        # Without weights a large class would call everything its own, with full ones a tiny class would.
        self._weights = np.concatenate([np.full(len(chosen), len(chosen) ** -0.5) for _, chosen in kept])
        pictures = np.concatenate([sample.pictures[chosen] for sample, chosen in kept])
        count = min(_NEIGHBOURS, len(pictures))
        self._search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(pictures)

    def own_votes(self, sample: ClassSample) -> tuple[Positions, Floats]:
        """Return which members of a sample were asked, some of many, and the share of their neighbours of its class.

        Returns:
            Indices into the sample, and shares 0..1; both of shape ``(m,)``.
        """
        asked = _spread(sample, min(_ASKED, len(sample.positions)))
        nearest = self._search.kneighbors(sample.pictures[asked], return_distance=False)
        weights = self._weights[nearest] * (self._positions[nearest] != sample.positions[asked, None])
        own = self._labels[nearest] == sample.label
        votes: Floats = (weights * own).sum(axis=1) / weights.sum(axis=1)
        return asked, votes


def _fair(sizes: Positions) -> Positions:
    """Return how many of each class to keep: all of the small ones, equally many of the others."""
    limits = np.sort(sizes)
    before = np.concatenate([[0], np.cumsum(limits)[:-1]])
    shares = (_REFERENCE - before) // np.arange(len(limits), 0, -1)
    fits = np.flatnonzero(shares < limits)
    limit = max(int(shares[fits[0]]), _NEIGHBOURS) if len(fits) else int(limits[-1])
    return np.minimum(sizes, limit)


def _spread(sample: ClassSample, count: int) -> Positions:
    """Return indices of `count` members, evenly over the sample."""
    return np.linspace(0, len(sample.positions) - 1, count).astype(np.int64)
