"""The images of one scan: the user's if given, else the surrogates that the network knows best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gate.models.surrogates.selection import Pool, ranked_families, surrogate_pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.datasets.dataset import Dataset

_FROM_DATA = 1024
# Families this close to the best one, by information, count as known about as well.
_ABOUT_AS_WELL = 0.7
# A trigger is looked for on a second kind of images even if the network knows no other well.
_FEWEST, _MOST = 2, 3


class SurrogatePools:
    """Hands out image pools by index and makes each only once.

    Pool 0 is the one to search triggers on: the user's images, or the surrogates that the network knows best.
    The others hold kinds of images that it knows about as well; a real trigger works on them too.

    Args:
        classifier: The network, with its input range set.
        seed: Of every random choice.
        dataset: The user's images; they become pool 0.
    """

    def __init__(self, classifier: Classifier, seed: int, dataset: Dataset | None = None) -> None:
        self._classifier = classifier
        self._seed = seed
        self._dataset = dataset
        self._pools: dict[int, Pool] = {}
        self._ranked: tuple[tuple[str, float], ...] = ()

    @property
    def count(self) -> int:
        """How many pools there are, at least one."""
        return len(self._families()) + (self._dataset is not None)

    def pool(self, index: int) -> Pool:
        """Return the pool of this index, below `count`."""
        if index not in self._pools:
            self._pools[index] = self._make(index)
        return self._pools[index]

    def knowledge(self, index: int) -> float:
        """Return how much the network knows about the images of this pool, 0..1; the user's images count 1."""
        if self._dataset is not None:
            return 1.0 if index == 0 else self._families()[index - 1][1]
        return self._families()[index][1]

    def _make(self, index: int) -> Pool:
        if self._dataset is not None and index == 0:
            return self._from_data(self._dataset)
        family, _ = self._families()[index - (self._dataset is not None)]
        return surrogate_pool(self._classifier, family, self._seed)

    @property
    def ranked_families(self) -> tuple[tuple[str, float], ...]:
        """Every family of drawn images with how much the network knows about it, 0..1, the best first."""
        if not self._ranked:
            self._ranked = ranked_families(self._classifier, self._seed)
        return self._ranked

    def _families(self) -> tuple[tuple[str, float], ...]:
        ranked = self.ranked_families[:_MOST]
        enough = _ABOUT_AS_WELL * ranked[0][1]
        return tuple(each for place, each in enumerate(ranked) if place < _FEWEST or each[1] >= enough)

    def _from_data(self, dataset: Dataset) -> Pool:
        rng = np.random.default_rng([self._seed, len(dataset.images)])
        chosen = np.sort(rng.permutation(len(dataset.images))[:_FROM_DATA])
        images = dataset.images[chosen]
        predictions = self._classifier.predict(images).argmax(axis=1)
        return Pool(images, predictions, f"{dataset.role} images of {dataset.source}")
