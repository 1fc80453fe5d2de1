from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gate.detectors.shared.candidates import classes_to_search
from gate.models.surrogates.selection import Pool


@dataclass
class Weighted:
    """As much of a classifier as the choice needs."""

    num_classes: int
    heavy: int = 0

    def head_weights(self) -> Any:
        kernel = np.where(np.arange(self.num_classes) == self.heavy, 1.0, 0.0)[None]
        return kernel, np.zeros(self.num_classes)


def pool(favourite: int) -> Pool:
    return Pool(np.zeros((9, 2, 2, 1), np.float32), np.full(9, favourite), "noise")


def search(classes: int, seed: int = 0, heavy: int = 0, favourite: int = 0) -> list[int]:
    classifier: Any = Weighted(classes, heavy)
    return list(classes_to_search(classifier, pool(favourite), seed))


@pytest.mark.parametrize("classes", [2, 10, 64])
def test_up_to_64_classes_are_all_searched(classes: int) -> None:
    assert list(range(classes)) == search(classes)


@pytest.mark.parametrize("seed", range(5))
def test_of_more_classes_the_suspects_are_searched(seed: int) -> None:
    labels = search(1000, seed, heavy=777, favourite=888)

    assert {777, 888} < set(labels)
    assert sorted(set(labels)) == labels
    assert 24 + 1 < len(labels) <= 16 + 8 + 24


def test_the_reference_is_drawn_by_the_seed() -> None:
    assert search(1000, 1) == search(1000, 1)
    assert search(1000, 1) != search(1000, 2)


def test_at_65_classes_no_class_is_named_that_does_not_exist() -> None:
    assert set(search(65)) <= set(range(65))


def test_a_quicker_search_of_more_classes_keeps_the_suspects() -> None:
    classifier: Any = Weighted(43, 41)

    labels = list(classes_to_search(classifier, pool(42), 0, most=24, some=24))

    assert {41, 42} < set(labels)
    assert 12 < len(labels) <= 24
