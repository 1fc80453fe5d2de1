"""A network that answers with NaN or infinity is not cleared, for whatever is compared with NaN is not larger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.models.classifier import Classifier
from gate.models.numerics.finite import finite

BLACK, WHITE = np.zeros((3, 4, 4, 1), np.float32), np.ones((3, 4, 4, 1), np.float32)


def test_numbers_stay_as_they_are() -> None:
    assert BLACK is finite(BLACK)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_that_is_none_stops_the_scan(value: float) -> None:
    with pytest.raises(IncompleteError, match="what cannot be compared cannot be cleared") as raised:
        finite(np.array([1.0, value]))

    assert "BD004" == raised.value.gap.rule


def test_weights_may_be_numbers_and_answers_not(keras: Any) -> None:
    dense = keras.layers.Dense(3, activation="softmax")
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([np.full((16, 3), 3e38), np.zeros(3)])
    classifier = Classifier(network)

    assert not classifier.predict(BLACK).any()
    with pytest.raises(IncompleteError):
        classifier.predict(np.concatenate([BLACK, WHITE]))
