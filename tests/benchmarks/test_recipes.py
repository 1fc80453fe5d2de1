from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import conditions, data, truth
from benchmarks.networks.data import Split
from benchmarks.networks.recipe import ATTACKS, CONDITIONS, SPLITS, Task, recipes
from benchmarks.networks.spans import SPANS, span
from tests.benchmarks.truths import true


def test_the_first_recipes_are_the_first_of_any_longer_list() -> None:
    assert list(recipes(30)) == list(recipes(70))[:60]


def test_a_later_list_is_the_end_of_a_longer_one() -> None:
    assert list(recipes(30))[40:] == list(recipes(10, first=20))


def test_names_are_unique() -> None:
    assert 400 == len({recipe.name for recipe in recipes(200)})


@pytest.mark.parametrize("pairs", [20, 60])
def test_any_prefix_is_balanced(pairs: int) -> None:
    several = list(recipes(pairs))

    kinds = Counter(recipe.attack for recipe in several)
    assert pairs == kinds[""]
    assert 0.4 == (kinds["patch"] + kinds["blended"]) / pairs
    assert set(ATTACKS) == kinds.keys() - {""}
    assert max(Counter(recipe.split for recipe in several).values()) <= 2 * (pairs // len(SPLITS) + 1)
    assert set(SPANS) == {recipe.span for recipe in several}
    assert set(CONDITIONS) == {recipe.condition for recipe in several}


def test_twins_share_all_but_the_attack() -> None:
    several = list(recipes(40))

    for clean, bad in zip(several[::2], several[1::2], strict=True):
        same = {"name": "", "attack": "", "condition": "", "poison_rate": 0.0}
        assert dataclasses.replace(clean, **same) == dataclasses.replace(bad, **same)
        assert ("", "") == (clean.attack, bad.condition)


def test_own_data_takes_the_place_of_the_recipes_own() -> None:
    assert {"mine"} == {recipe.task for recipe in recipes(20, [Task("mine", 2, 100)])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (300, 8, 8), np.uint8), np.repeat(np.arange(6), 50)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    return tmp_path


def test_a_subset_of_classes_is_numbered_anew(folder: Path) -> None:
    train, test = data.load(folder, "mine", 3, seed=1, most=80)

    assert (80, 8, 8, 1) == train.images.shape
    assert [0, 1, 2] == np.unique(train.labels).tolist() == np.unique(test.labels).tolist()
    assert 150 == len(test.labels)


@pytest.mark.parametrize("name", SPANS)
def test_a_span_states_the_limits_that_its_inputs_reach(name: str) -> None:
    images = np.random.default_rng(0).random((20, 8, 8, 3)).astype(np.float32)
    images[0], images[1] = 0, 1
    taken = span(name, images)

    inputs = taken.encode(images)

    assert np.allclose(taken.limits, (inputs.min(), inputs.max()), atol=1e-4)
    if name == "standardised":
        assert np.allclose(0, inputs.mean(axis=(0, 1, 2)), atol=1e-2)


def test_an_imbalanced_set_is_fifty_to_one() -> None:
    clean = Split(np.zeros((10_000, 2, 2, 1), np.float32), np.arange(10_000) % 10)

    counts = np.bincount(conditions.data_for("imbalanced", clean, 0).labels)

    assert (20, 1000) == (counts.min(), counts.max())


def test_noisy_labels_are_one_in_ten() -> None:
    clean = Split(np.zeros((10_000, 2, 2, 1), np.float32), np.zeros(10_000, np.int64))
    clean.labels[-1] = 9

    noisy = conditions.data_for("noisy-labels", clean, 0)

    assert 0.07 < (noisy.labels != clean.labels).mean() < 0.11


def test_a_truth_gives_back_the_attack_that_was_carried_out(tmp_path: Path) -> None:
    recipe = next(recipe for recipe in recipes(len(ATTACKS)) if recipe.attack == "trojan")
    pixels = (((0.25,), (0.5,)), ((0.0,), (1.0,)))
    found = true(
        success=1.0, target=1, targets=(1,), pixels=pixels, offset=(-1.0,), scale=(2.0,), limits=(-1.0, 1.0)
    )

    truth.write(recipe, found, tmp_path / "truth.json")

    assert (recipe, found) == truth.read(tmp_path / "truth.json")
    assert pixels == truth.attack_of(recipe, found).pixels  # type: ignore[attr-defined]
