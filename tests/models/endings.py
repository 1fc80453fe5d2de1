"""Networks that end in one output unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gate.core.training_loss import TrainingLoss

Ending = Callable[[Any, Any], Any]
SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)
LOGITS = TrainingLoss("binary_crossentropy", from_logits=True)


def ending_in(keras: Any, end: Ending) -> Any:
    """Return a network that goes on from four hidden features."""
    image = keras.Input(SHAPE)
    hidden = keras.layers.Dense(4, "tanh")(keras.layers.Flatten()(image))
    return keras.Model(image, end(keras.layers, hidden))


def chain(keras: Any, *layers: Any) -> Any:
    """Return a network of these layers, one after the other."""
    return keras.Sequential([keras.Input(SHAPE), *layers])
