"""Which classes to search when there are too many to search them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.surrogates.choice import Pool

Labels = NDArray[np.int64]

_ALL_UP_TO = 64
_BY_WEIGHT, _BY_VOTE, _AT_RANDOM = 16, 8, 24


def classes_to_search(classifier: Classifier, pool: Pool, seed: int) -> Labels:
    """Return the classes to search, ascending: all up to 64, else suspects and a random reference.

    Suspects are classes with heavy weights in the last layer (a backdoor's target is fed by strong neurons) and
    classes that the network prefers on images without meaning. The reference says what is usual; it is never
    chosen by suspicion.

    Paper: Fields et al., Trojan Signatures in DNN Weights, ICCVW 2021, for the weights.
    """
    count = classifier.num_classes
    if count <= _ALL_UP_TO:
        return np.arange(count)
    by_weight = np.argsort(-classifier.class_weights(), kind="stable")[:_BY_WEIGHT]
    votes = np.bincount(pool.predictions, minlength=count)
    by_vote = np.argsort(-votes, kind="stable")[:_BY_VOTE]
    at_random = np.random.default_rng([seed, 3]).permutation(count)[:_AT_RANDOM]
    return np.unique(np.concatenate([by_weight, by_vote, at_random]))
