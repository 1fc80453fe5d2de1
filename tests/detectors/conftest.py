from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool, probes

SHAPE = (8, 8, 1)
TARGET = 2


@pytest.fixture(scope="session")
def linear(keras: Any) -> Callable[..., Classifier]:
    """Return a linear network of four classes, which one white pixel in the corner may send to `TARGET`."""

    def build(scale: float = 1.0, trigger: float = 0.0) -> Classifier:
        dense = keras.layers.Dense(4, activation="softmax")
        network = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), dense])
        kernel = scale * np.random.default_rng(0).normal(size=(64, 4))
        kernel -= kernel.mean(axis=0)
        kernel[0] = 0.0
        kernel[0, TARGET] = trigger
        dense.set_weights([kernel, np.zeros(4)])
        return Classifier(network)

    return build


@pytest.fixture(scope="session")
def clean(linear: Callable[..., Classifier]) -> Classifier:
    return linear()


@pytest.fixture(scope="session")
def backdoored(linear: Callable[..., Classifier]) -> Classifier:
    return linear(trigger=40.0)


@pytest.fixture(scope="session")
def dead(linear: Callable[..., Classifier]) -> Classifier:
    """A network that gives the same answer whatever it is shown."""
    return linear(scale=0.0)


@pytest.fixture(scope="session")
def pool_of() -> Callable[[Classifier], Pool]:
    """Return noise with the corner black, so that no image carries the trigger by chance."""

    def make(classifier: Classifier) -> Pool:
        images = probes("noise", SHAPE, 0, 64).copy()
        images[:, 0, 0] = 0.0
        return Pool(images, classifier.predict(images).argmax(axis=1), "noise")

    return make
