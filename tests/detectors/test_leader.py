from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gate.detectors.inversion.examination import (
    Examination,
    Screen,
    _next_labels,
    affordable,
    suspects_and_peers,
)
from gate.detectors.inversion.search import Inversion, Settings
from gate.detectors.shared.contract import Context
from gate.models.prepare import PreparedModel


def found(norms: list[float]) -> Inversion:
    pictures = np.zeros((len(norms), 2, 2, 1), np.float32)
    return Inversion(np.arange(len(norms)) + 10, np.array(norms), (pictures, pictures))


@dataclass
class Sized:
    """As much of a classifier as the settings need."""

    input_shape: tuple[int, int, int]


@pytest.mark.parametrize(
    ("side", "is_full", "expected"),
    [
        (32, False, Settings(restarts=2, steps=100, images=16)),
        (32, True, Settings(restarts=3, steps=300, images=32)),
        (128, False, Settings(restarts=2, steps=100, images=16)),
        (160, False, Settings(restarts=2, steps=100, images=10)),
        (512, True, Settings(restarts=3, steps=300, images=6)),
    ],
)
def test_the_full_profile_searches_longer_and_large_pictures_are_fewer(
    side: int, is_full: bool, expected: Settings
) -> None:
    parts: dict[str, Any] = {"classifier": Sized((side, side, 3)), "pools": None}
    surroundings = Context(model=PreparedModel(**parts), seed=0, is_full=is_full, progress=lambda *told: None)

    assert expected == affordable(Settings(restarts=2, steps=100, images=16), surroundings)


def test_suspects_are_compared_with_peers_of_every_size() -> None:
    labels, indices = np.arange(10, 50), np.arange(40.0)

    chosen = suspects_and_peers(labels, indices)

    assert 12 == len(chosen)
    assert {49, 48, 47, 46, 45, 10} < set(chosen)
    assert sorted(chosen) == list(chosen)


def test_where_all_are_suspects_there_are_no_peers() -> None:
    assert [10, 11] == list(suspects_and_peers(np.array([10, 11]), np.array([1.0, 0.0])))


def examination(*rows: list[float], weights: tuple[float, ...] = (0.6, 0.3)) -> Examination:
    searches = tuple(found([1.0] * len(row)) for row in rows)
    return Examination(searches=searches, indices=np.array(rows), weights=np.array(weights[: len(rows)]))


def test_what_the_network_knows_better_weighs_more() -> None:
    known, unknown = (examination([3.0, 0.0], [0.0, 0.0], weights=each) for each in ((0.6, 0.3), (0.0, 0.0)))

    assert pytest.approx(2.0) == known.class_indices.max()
    assert pytest.approx(1.5) == unknown.class_indices.max()


def test_the_leader_leads_on_all_images_together() -> None:
    assert 1 == examination([3.0, 2.0], [0.0, 4.0]).leader


def test_a_class_that_was_not_searched_again_keeps_its_first_index() -> None:
    found = examination([3.0, 2.0, 1.0], [0.0, np.nan, 1.0])

    np.testing.assert_allclose([2.0, 2.0, 1.0], found.class_indices)


def test_without_any_index_the_smallest_trigger_leads() -> None:
    searches = (found([2.0, 1.0]),)

    assert 1 == Examination(searches=searches, indices=np.zeros((1, 2)), weights=np.ones(1)).leader


@pytest.mark.parametrize(
    ("rows", "classes", "is_full", "expected"),
    [
        ((), 40, False, 40),
        (([0.9],), 12, False, 0),
        (([1.1],), 12, False, 12),
        (([1.1],), 13, False, 12),
        (([1.1],), 13, True, 13),
        (([0.9], [0.9]), 2, True, 0),
    ],
)
def test_classes_are_searched_again_only_if_one_is_suspicious(
    rows: tuple[list[float], ...], classes: int, is_full: bool, expected: int
) -> None:
    padded = [row + [0.0] * (classes - 1) for row in rows]
    before = (
        examination(*padded)
        if rows
        else Examination(searches=(), indices=np.empty((0, classes)), weights=np.empty(0))
    )

    assert expected == len(_next_labels(before, np.arange(classes), is_full))


def test_a_screen_clears_what_is_not_suspicious_if_it_found_enough_to_compare() -> None:
    screen = Screen(steps=1.0, images=1.0, found=0.6, looks=2.0)
    few = Examination(searches=(found([1.0, np.inf]),), indices=np.array([[0.9, 0.0]]), weights=np.ones(1))

    assert screen.clears(examination([0.9, 0.0]))
    assert not screen.clears(examination([1.0, 0.0]))
    assert not screen.clears(few)
