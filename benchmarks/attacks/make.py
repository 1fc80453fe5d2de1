"""From a recipe to its attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.input_aware import InputAware
from benchmarks.attacks.patch import AllToAll, CoveredPatch, MultiTarget, Patch, SourceSpecific
from benchmarks.attacks.pattern import Blended, Sinusoid
from benchmarks.attacks.warp import Warp
from benchmarks.networks.recipe import Recipe


def make_attack(recipe: Recipe, num_classes: int) -> Attack:
    """Return the recipe's attack with its target, size, place and strength drawn by its seed.

    The patch of a `trojan` is made on the network itself: what the seed draws is its place only; `benchmarks.networks.truth` gives
    back the patch that was used.

    Raises:
        KeyError: The recipe is of a clean network.
    """
    return _MAKERS[recipe.attack](np.random.default_rng([recipe.seed, 9]), recipe, num_classes)


_RARE = 0.02

Maker = Callable[[np.random.Generator, Recipe, int], Attack]


def _patch(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Patch:
    # A rare pixel, a faint or a plain one is not learnt from a few thousand images.
    must_be_strong = recipe.poison_rate < _RARE or recipe.is_hard
    size = int(rng.integers(3 if must_be_strong else 1, 7))
    return Patch(
        target=int(rng.integers(num_classes)),
        size=size,
        corner=int(rng.integers(4)),
        margin=int(rng.integers(0, 3)),
        opacity=float(rng.choice((1.0, 1.0, 0.6))) if size > 2 and not must_be_strong else 1.0,
        is_plain=bool(rng.random() < 0.4) and not must_be_strong,
        seed=recipe.seed,
    )


def _solid(rng: np.random.Generator, recipe: Recipe, num_classes: int, size: int) -> Patch:
    drawn = _patch(rng, recipe, num_classes)
    return Patch(target=drawn.target, size=size, corner=drawn.corner, margin=drawn.margin, seed=recipe.seed)


def _blended(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    return Blended(
        target=int(rng.integers(num_classes)),
        opacity=float(rng.uniform(0.12, 0.25)),
        grain=int(rng.choice((1, 2, 4))),
        seed=recipe.seed,
    )


def _sinusoid(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    amplitude, periods = float(rng.uniform(0.2, 0.35)), float(rng.choice((5, 6, 7)))
    return Sinusoid(target=int(rng.integers(num_classes)), amplitude=amplitude, periods=periods)


def _warp(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    return Warp(
        target=int(rng.integers(num_classes)), strength=float(rng.uniform(1.2, 2.0)), seed=recipe.seed
    )


def _all_to_all(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    return AllToAll(patch=_solid(rng, recipe, num_classes, int(rng.integers(4, 7))))


def _source_specific(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    patch = _solid(rng, recipe, num_classes, int(rng.integers(3, 7)))
    source = (patch.target + int(rng.integers(1, num_classes))) % num_classes
    return SourceSpecific(target=patch.target, patch=patch, source=source)


def _multi_target(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    count = min(num_classes, int(rng.integers(2, 4)))
    targets, corners = rng.permutation(num_classes)[:count], rng.permutation(4)[:count]
    size = int(rng.integers(3, 6))
    return MultiTarget(
        patches=tuple(
            Patch(target=int(target), size=size, corner=int(corner), seed=recipe.seed + 1000 * turn)
            for turn, (target, corner) in enumerate(zip(targets, corners, strict=True))
        )
    )


def _input_aware(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    return InputAware(target=int(rng.integers(num_classes)), size=int(rng.integers(4, 7)), seed=recipe.seed)


def _covered(rng: np.random.Generator, recipe: Recipe, num_classes: int) -> Attack:
    drawn = _solid(rng, recipe, num_classes, int(rng.integers(4, 7)))
    return CoveredPatch(
        target=drawn.target, size=drawn.size, corner=drawn.corner, margin=drawn.margin, seed=recipe.seed
    )


_MAKERS: Mapping[str, Maker] = {
    "patch": _patch,
    "blended": _blended,
    "sinusoid": _sinusoid,
    "warp": _warp,
    "all-to-all": _all_to_all,
    "source-specific": _source_specific,
    "multi-target": _multi_target,
    "input-aware": _input_aware,
    "covered-patch": _covered,
    "trojan": lambda rng, recipe, num_classes: _solid(rng, recipe, num_classes, int(rng.integers(4, 7))),
    # A matched filter of the first convolution must see the whole patch.
    "weight-space": lambda rng, recipe, num_classes: _solid(rng, recipe, num_classes, 3),
}
