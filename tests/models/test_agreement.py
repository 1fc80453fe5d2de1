from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.errors import DataError
from gate.core.job import Role
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset
from gate.models.datasets.label_check import settled


class Reader:
    """A classifier that reads the class off the first pixel."""

    def predict(self, images: Any) -> Any:
        return np.eye(12, dtype=np.float32)[np.rint(images[:, 0, 0, 0] * 100).astype(int)]


def settle(labels: Any, truth: Any, other: Any = None) -> Dataset:
    images = np.broadcast_to((truth / 100)[:, None, None, None], (len(truth), 2, 2, 1)).astype(np.float32)
    classifier: Any = Reader()
    return settled(Dataset(ImageArray(images), labels, Role.TRAIN, "data.npz", other), classifier, 0)


TRUTH = np.arange(600) % 12


def test_labels_that_the_network_knows_stay() -> None:
    assert TRUTH is settle(TRUTH, TRUTH).labels


def test_folders_are_counted_as_the_network_does() -> None:
    dataset = settle((TRUTH * 5) % 12, TRUTH, other=TRUTH)

    assert TRUTH is dataset.labels
    assert dataset.other_labels is None


def test_labels_that_mean_something_else_are_refused() -> None:
    with pytest.raises(
        DataError, match="the stated label to 0 % of the images, no more than chance"
    ) as error:
        settle((TRUTH + 1) % 12, TRUTH)

    assert "--input-range" in error.value.hint


def test_a_poor_network_may_examine_its_training_set() -> None:
    labels = np.where(np.arange(600) % 4 == 0, TRUTH, np.random.default_rng(0).integers(0, 12, 600))

    assert labels is settle(labels, TRUTH).labels


def test_of_few_images_nothing_is_concluded() -> None:
    assert 10 == len(settle((TRUTH[:10] + 1) % 12, TRUTH[:10]).images)


def test_a_network_that_always_says_the_same_tells_nothing() -> None:
    same = np.zeros(600, np.int64)

    assert same is settle(same, same).labels


def test_without_labels_there_is_nothing_to_settle() -> None:
    assert settle(None, TRUTH).labels is None
