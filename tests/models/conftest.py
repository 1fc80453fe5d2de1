from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.classifier import Classifier

Linear = Callable[..., Any]


@pytest.fixture(scope="session")
def linear_network(keras: Any) -> Linear:
    """Return a network of one layer: how sure it is of its random answers grows with `scale`."""

    def build(
        scale: float = 1.0,
        *first: Any,
        shape: tuple[int, int, int] = (12, 12, 1),
        classes: int = 4,
        bias: float = 0.0,
    ) -> Any:
        dense = keras.layers.Dense(classes, activation="softmax")
        network = keras.Sequential([keras.Input(shape), *first, keras.layers.Flatten(), dense])
        rng = np.random.default_rng(0)
        kernel = rng.normal(size=(int(np.prod(shape)), classes))
        dense.set_weights([scale * (kernel - kernel.mean(axis=0)), np.linspace(0.0, bias, classes)])
        return network

    return build


@pytest.fixture(scope="session")
def classifier(linear_network: Linear) -> Classifier:
    """A small network that answers diversely on images in 0..1; leave its input range alone."""
    return Classifier(linear_network())
