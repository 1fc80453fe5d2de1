"""Do the labels mean what the network's outputs mean? A data set that counts otherwise would accuse clean classes."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.models.datasets.dataset import Dataset
from gate.models.numerics.arrays import Labels
from gate.models.numerics.streams import Stream, random_numbers

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_SAMPLES = 512
# Of fewer images chance alone explains too much.
_FEWEST = 100
_SIGMAS = 3.0


def settled(dataset: Dataset, classifier: Classifier, seed: int) -> Dataset:
    """Return the data set with its labels in the order that the network knows.

    Raises:
        DataError: The network gives these labels to its images no more often than chance does.
    """
    if dataset.labels is None:
        return dataset
    chosen = np.sort(random_numbers(seed, Stream.LABELS).permutation(len(dataset.images))[:_SAMPLES])
    answers = classifier.predict(dataset.images[chosen]).argmax(axis=1)
    orders = [labels for labels in (dataset.labels, dataset.other_labels) if labels is not None]
    rates = [float((answers == labels[chosen]).mean()) for labels in orders]
    best = int(np.argmax(rates))
    expected = _by_chance(orders[best][chosen], answers)
    noise = math.sqrt(expected * (1 - expected) / len(chosen))
    # A network that gives one answer to everything tells nothing about the labels.
    if len(chosen) >= _FEWEST and expected < 1 and rates[best] <= expected + _SIGMAS * noise:
        raise DataError(
            f"{dataset.source}: the model gives the stated label to {100 * rates[best]:.0f} % of the images, "
            f"no more than chance ({100 * expected:.0f} %).",
            hint="Number the classes as the model's outputs, and state its pixel range with --input-range LOW,HIGH.",
        )
    return dataclasses.replace(dataset, labels=orders[best], other_labels=None)


def _by_chance(labels: Labels, answers: NDArray[np.int64]) -> float:
    """Return how often answers and labels would agree if they had nothing to do with each other."""
    size = int(max(labels.max(), answers.max())) + 1
    shares = [np.bincount(values, minlength=size) / len(values) for values in (labels, answers)]
    return float((shares[0] * shares[1]).sum())
