"""Which classes to search when there are too many to search them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gate.detectors.shared.constants import integer, integers
from gate.models.numerics.arrays import Labels
from gate.models.numerics.streams import Stream, random_numbers

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.surrogates.selection import Pool


ALL_UP_TO, SOME, _BY_WEIGHT = integers("shared.candidates", "all-up-to", "some", "by-weight")
_BY_VOTE = integer("shared.candidates.by-vote")


def number_to_search(count: int, most: int = ALL_UP_TO, some: int = SOME) -> int:
    """Return how many of so many classes `classes_to_search` returns, at most."""
    return count if count <= most else some


def classes_to_search(
    classifier: Classifier, pool: Pool, seed: int, most: int = ALL_UP_TO, some: int = SOME
) -> Labels:
    """Return the classes to search, ascending: all if they are few, else suspects and a random reference.

    Suspects are classes with heavy weights in the last layer (a backdoor's target is fed by strong neurons) and
    classes that the network prefers on images without meaning. The reference says what is usual; it is never
    chosen by suspicion.

    Args:
        classifier: The network.
        pool: Images that stand in for a data set.
        seed: Of the reference.
        most: Search all classes if there are no more than these.
        some: How many to search at most if there are more.

    Paper: Fields et al., Trojan Signatures in DNN Weights, ICCVW 2021, for the weights.
    """
    count = classifier.num_classes
    if count <= most:
        return np.arange(count)
    by_weight = np.argsort(-classifier.head_weights()[0].mean(axis=0), kind="stable")[: some // _BY_WEIGHT]
    votes = np.bincount(pool.predictions, minlength=count)
    by_vote = np.argsort(-votes, kind="stable")[: some // _BY_VOTE]
    at_random = random_numbers(seed, Stream.CLASSES).permutation(count)[: some // 2]
    return np.unique(np.concatenate([by_weight, by_vote, at_random]))
