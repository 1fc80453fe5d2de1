from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gate.detectors.inversion.patch_scan import PatchScan, Plan
from gate.detectors.inversion.patch_screen import best_places, screen_patches
from gate.detectors.inversion.patch_steps import visitor_of
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool
from tests.detectors.conftest import TARGET

ALL = np.arange(4)
PLAN = Plan(side=3, stride=2, steps=6, images=4, judges=16)
PoolOf = Callable[[Classifier], Pool]


def look(classifier: Classifier, pool: Pool, labels: np.ndarray = ALL, seed: int = 0) -> PatchScan:
    return screen_patches(classifier, pool, labels, PLAN, 8, seed)


def test_the_planted_class_is_served_best_where_its_trigger_is(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    found = look(backdoored, pool_of(backdoored))

    (spot,) = found.spots(TARGET, 1)
    assert (0, 0) == (spot.top, spot.left)
    assert [TARGET] == found.most_suspicious(1)
    assert spot.pattern[0, 0, 0] > 0.9


def test_what_is_found_for_a_class_does_not_depend_on_the_others_of_a_linear_network(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    pool = pool_of(backdoored)

    one, all_of_them = look(backdoored, pool, np.array([TARGET])), look(backdoored, pool)

    assert one.spots(TARGET, 1)[0].top == all_of_them.spots(TARGET, 1)[0].top


def test_the_same_seed_finds_the_same_and_another_looks_at_other_images(
    backdoored: Classifier, pool_of: PoolOf
) -> None:
    pool = pool_of(backdoored)
    first, again, other = (look(backdoored, pool, seed=seed) for seed in (0, 0, 1))

    assert (first.margins == again.margins).all()
    assert (first.margins != other.margins).any()


def test_places_are_chosen_by_themselves_and_beside_others_in_turn() -> None:
    margins = np.array([[5.0, 5.0], [4.0, 0.0], [0.0, 0.0]])

    assert [[0, 1], [0, 2]] == best_places(margins, 2)
    assert [0, 1, 2] == sorted(best_places(margins, 9)[0])


def test_a_graph_is_made_once_for_a_network_and_its_images(clean: Classifier, pool_of: PoolOf) -> None:
    pool = pool_of(clean)

    assert visitor_of(clean, pool, 3) is visitor_of(clean, pool, 3)
    assert visitor_of(clean, pool, 3) is not visitor_of(clean, pool_of(clean), 3)
