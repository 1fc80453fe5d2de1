from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gate.detectors._contract import Context
from gate.detectors._inversion import Inversion, Settings
from gate.detectors._leader import Examination, _leader_and_peers, affordable


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
    parts: dict[str, Any] = {"classifier": Sized((side, side, 3)), "bank": None, "progress": None}
    surroundings = Context(**parts, dataset=None, seed=0, is_full=is_full)

    assert expected == affordable(Settings(restarts=2, steps=100, images=16), surroundings)


def test_the_leader_is_compared_with_peers_of_every_size() -> None:
    norms = [float(norm) for norm in range(40, 0, -1)]

    labels = _leader_and_peers(found(norms), leader=39)

    assert 12 == len(labels)
    assert {10 + 39, 10 + 38, 10} < set(labels)
    assert sorted(labels) == list(labels)


def test_of_two_classes_the_other_is_the_peer() -> None:
    assert [10, 11] == list(_leader_and_peers(found([1.0, np.inf]), leader=0))


def test_what_the_network_knows_better_weighs_more() -> None:
    parts: dict[str, Any] = {"found": found([1.0, 2.0]), "leader": 0, "indices": (3.0, 0.0)}

    assert pytest.approx(2.0) == Examination(**parts, weights=(0.6, 0.3)).index
    assert pytest.approx(1.5) == Examination(**parts, weights=(0.0, 0.0)).index
