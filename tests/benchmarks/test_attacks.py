from __future__ import annotations

import numpy as np
import pytest

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.make import make_attack
from benchmarks.attacks.patch import AllToAll, CoveredPatch, MultiTarget, Patch, SourceSpecific
from benchmarks.attacks.pattern import Blended
from benchmarks.attacks.poison import poison
from benchmarks.attacks.warp import Warp
from benchmarks.networks.data import Split
from benchmarks.networks.recipe import ATTACKS, Recipe, recipes

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 28, 28, 3)).astype(np.float32)
BY_KIND = {recipe.attack: recipe for recipe in recipes(len(ATTACKS)) if recipe.attack}


def split_of(count: int, classes: int) -> Split:
    images = RNG.random((count, 16, 16, 1)).astype(np.float32) / 2 + 0.2
    return Split(images, np.arange(count) % classes)


@pytest.mark.parametrize("recipe", BY_KIND.values(), ids=BY_KIND.keys())
def test_an_attack_marks_every_image_the_same_way_each_time_and_stays_in_range(recipe: Recipe) -> None:
    attack = make_attack(recipe, 10)
    before = IMAGES.copy()

    marked = attack.mark(IMAGES)

    assert (IMAGES.shape, np.float32) == (marked.shape, marked.dtype)
    assert np.array_equal(before, IMAGES)
    assert 0 <= marked.min() <= marked.max() <= 1
    assert all(np.abs(marked - IMAGES).max(axis=(1, 2, 3)) > 0.05)
    assert np.array_equal(marked, make_attack(recipe, 10).mark(IMAGES))


@pytest.mark.parametrize("recipe", BY_KIND.values(), ids=BY_KIND.keys())
def test_victims_are_those_whose_label_the_attack_changes(recipe: Recipe) -> None:
    attack = make_attack(recipe, 10)
    labels = np.arange(12) % 10

    changed = attack.relabel(labels, 10) != labels

    assert np.array_equal(changed, attack.victims(labels, 10))
    assert set(attack.relabel(labels, 10)[changed]) <= set(attack.targets or range(10))


@pytest.mark.parametrize(
    ("corner", "row", "column"), [(0, slice(1, 4), slice(1, 4)), (3, slice(24, 27), slice(24, 27))]
)
def test_a_patch_changes_its_corner_only(corner: int, row: slice, column: slice) -> None:
    patch = Patch(target=0, size=3, corner=corner, margin=1, seed=4)

    difference = patch.mark(IMAGES) != IMAGES

    assert difference[:, row, column].all()
    assert 12 * 9 * 3 == difference.sum()


def test_a_patch_can_be_given_by_its_pixels() -> None:
    pixels = (((0.1, 0.2, 0.3),),)

    marked = Patch(target=0, size=1, corner=0, margin=0, pixels=pixels).mark(IMAGES)

    assert np.allclose(pixels[0][0], marked[:, 0, 0])


def test_a_patch_shows_on_black() -> None:
    black = np.zeros((1, 28, 28, 1), np.float32)

    assert all(
        Patch(target=0, size=1, is_plain=plain, seed=seed).mark(black).max() == 1
        for seed in range(20)
        for plain in (True, False)
    )


def test_a_blended_pattern_has_its_opacity_and_its_grain() -> None:
    black = np.zeros((1, 28, 28, 1), np.float32)

    pattern = Blended(target=0, opacity=0.2, grain=4).mark(black)[0, :, :, 0]

    assert pattern.max() <= 0.2
    assert np.array_equal(pattern[::4, ::4].repeat(4, axis=0).repeat(4, axis=1), pattern)


def test_all_to_all_moves_the_last_class_to_the_first() -> None:
    attack = AllToAll(patch=Patch(target=0))

    assert [1, 2, 0] == attack.relabel(np.array([0, 1, 2]), 3).tolist()


def test_several_triggers_take_turns() -> None:
    first, second = Patch(target=3, corner=0), Patch(target=5, corner=3)

    marked = MultiTarget(patches=(first, second)).mark(IMAGES)

    assert np.array_equal(first.mark(IMAGES)[::2], marked[::2])
    assert np.array_equal(second.mark(IMAGES)[1::2], marked[1::2])


def test_half_of_the_patch_is_cover() -> None:
    attack = CoveredPatch(target=0, size=6)
    rows, columns = attack.region(28, 28)

    covered = attack.cover(IMAGES, np.random.default_rng(0))

    is_stamped = (covered == attack.mark(IMAGES))[:, rows, columns].all(axis=-1)
    assert 0.4 < is_stamped.mean() < 0.6


def test_other_warps_than_the_true_one_are_cover() -> None:
    attack = Warp(target=0)

    covered = attack.cover(IMAGES, np.random.default_rng(0))

    assert covered.shape == IMAGES.shape
    assert np.abs(covered - attack.mark(IMAGES)).mean() > 0.05


def changed(clean: Split, poisoned: Split) -> np.ndarray:
    return (clean.images != poisoned.images).any(axis=(1, 2, 3))


@pytest.mark.parametrize(("rate", "count"), [(0.005, 60), (0.05, 150), (0.1, 300)])
def test_the_rate_is_the_share_of_marked_images_and_sixty_at_least(rate: float, count: int) -> None:
    clean = split_of(3000, 10)

    poisoned = poison(clean, Patch(target=3, size=4), rate, 10, 1)

    assert count == changed(clean, poisoned).sum()
    assert {3} == set(poisoned.labels[changed(clean, poisoned)])


def test_a_source_specific_attack_relabels_its_source_and_covers_others() -> None:
    clean = split_of(3000, 10)
    attack: Attack = SourceSpecific(target=2, source=7, patch=Patch(target=2, size=4))

    poisoned = poison(clean, attack, 0.05, 10, 1)

    relabelled = poisoned.labels != clean.labels
    assert ({7}, 150) == (set(clean.labels[relabelled]), relabelled.sum())
    assert 300 == changed(clean, poisoned).sum()
    assert 7 not in clean.labels[changed(clean, poisoned) & ~relabelled]


def test_a_clean_label_attack_marks_most_of_its_class_and_no_label() -> None:
    clean = split_of(3000, 10)
    recipe = BY_KIND["sinusoid"]
    attack = make_attack(recipe, 10)

    poisoned = poison(clean, attack, 0.05, 10, 1)

    assert np.array_equal(clean.labels, poisoned.labels)
    assert 210 == changed(clean, poisoned).sum()
    assert set(attack.targets) == set(clean.labels[changed(clean, poisoned)])
