from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.detectors.training_set import neighbours
from gate.detectors.training_set.neighbours import Neighbours, _fair
from gate.models.features.activations import ClassSample


def sample(label: int, pictures: Any, first: int) -> ClassSample:
    positions = np.arange(first, first + len(pictures))
    return ClassSample(
        label, positions, np.zeros((len(pictures), 1), np.float32), pictures.astype(np.float32)
    )


def test_an_image_among_pictures_of_another_class_has_few_votes_of_its_own() -> None:
    rng = np.random.default_rng(0)
    ones = rng.normal(size=(60, 5))
    twos = rng.normal(size=(50, 5)) + 9
    twos[:10] -= 9

    samples = [sample(1, ones, 0), sample(2, twos, 60)]
    asked, votes = Neighbours(samples).own_votes(samples[1])

    assert list(range(50)) == list(asked)
    assert votes[:10].mean() < 0.4
    assert votes[10:].mean() == pytest.approx(1.0)


def test_an_image_is_not_its_own_neighbour() -> None:
    pictures = np.arange(12.0)[:, None]
    samples = [sample(0, pictures[1:], 0), sample(1, pictures[:1], 11)]

    assert [0.0] == Neighbours(samples).own_votes(samples[1])[1].tolist()


def test_of_a_large_class_only_some_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_ASKED", 7)
    samples = [sample(0, np.random.default_rng(0).normal(size=(40, 2)), 0)]

    asked, votes = Neighbours(samples).own_votes(samples[0])

    assert (0, 39, 7, 7) == (asked[0], asked[-1], len(asked), len(votes))


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=60))
def test_large_classes_share_what_small_ones_leave(sizes: list[int]) -> None:
    kept = _fair(np.array(sizes))

    cut = kept < np.array(sizes)
    assert (kept <= sizes).all()
    assert kept.sum() <= max(6000, 6 * len(sizes))
    assert len(set(kept[cut].tolist())) <= 1
    assert not cut.any() or kept[cut][0] >= kept.max()
    assert cut.any() or sum(sizes) == kept.sum()
