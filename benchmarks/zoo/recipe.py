"""Which networks the zoo holds: one frozen record each, the same list for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.zoo.architectures import ARCHITECTURES
from benchmarks.zoo.attacks import AllToAll, Attack, Blended, Patch, Sinusoid, SourceSpecific, Warp

RANGES = {"unit": (0.0, 1.0), "bytes": (0.0, 255.0), "signed": (-1.0, 1.0)}
# Data set, classes (0 = all), and how many training images are enough for a good network of this size.
TASKS = (
    ("mnist", 0, 6000),
    ("gtsrb", 10, 3000),
    ("cifar10", 0, 6000),
    ("mnist", 5, 4000),
    ("gtsrb", 0, 5300),
    ("gtsrb", 3, 1500),
)
ATTACKS = ("patch", "blended", "patch", "warp", "all-to-all", "sinusoid", "patch", "source-specific")
SPLITS = ("calibration", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one network comes to be.

    Attributes:
        name: File name without suffix, and identity.
        architecture: Key of `ARCHITECTURES`.
        task: Data set's file name.
        classes: How many of its classes; 0 for all.
        images: Training images at most.
        span: Key of `RANGES`.
        has_softmax: Whether the head is a softmax rather than logits.
        attack: Key of `ATTACKS`; "" for a clean network.
        poison_rate: Share of the training images that are marked.
        seed: Of data, attack, weights and order.
        split: What it may be used for.
    """

    name: str
    architecture: str
    task: str
    classes: int
    images: int
    span: str
    has_softmax: bool
    attack: str
    poison_rate: float
    seed: int
    split: str


def recipes(pairs: int) -> Iterator[Recipe]:
    """Yield a clean and a backdoored network in turn, `pairs` of each, every kind of thing spread evenly.

    The first ones are the first ones of any longer list, so that a zoo can grow.
    """
    kinds = itertools.cycle(itertools.product(ARCHITECTURES))
    for number in range(pairs):
        rng = np.random.default_rng([2026, number])
        (architecture,) = next(kinds)
        task, classes, images = TASKS[number % len(TASKS)]
        attack = ATTACKS[number % len(ATTACKS)]
        common = {
            "architecture": architecture,
            "task": task,
            "classes": classes,
            "images": images,
            "span": list(RANGES)[int(rng.integers(len(RANGES)))],
            "has_softmax": bool(rng.random() < 0.8),
            "seed": number,
            "split": SPLITS[int(rng.integers(len(SPLITS)))],
        }
        rate = float(rng.choice((0.02, 0.05, 0.1)))
        stem = f"{number:03d}-{architecture}-{task}{classes or ''}"
        yield Recipe(name=f"{stem}-clean", attack="", poison_rate=0.0, **common)
        yield Recipe(name=f"{stem}-{attack}", attack=attack, poison_rate=rate, **common)


def make_attack(recipe: Recipe, num_classes: int) -> Attack:
    """Return the recipe's attack with its target, size, place and strength drawn by its seed."""
    rng = np.random.default_rng([recipe.seed, 9])
    target, source = (int(k) for k in rng.permutation(num_classes)[:2])
    patch = Patch(
        target=target,
        size=int(rng.integers(1, 6)),
        corner=int(rng.integers(4)),
        margin=int(rng.integers(0, 3)),
        opacity=float(rng.choice((1.0, 1.0, 0.6))),
        seed=recipe.seed,
    )
    kinds: dict[str, Attack] = {
        "patch": patch,
        "blended": Blended(target=target, opacity=float(rng.uniform(0.12, 0.2)), seed=recipe.seed),
        "sinusoid": Sinusoid(target=target, amplitude=float(rng.uniform(0.15, 0.3))),
        "warp": Warp(target=target, seed=recipe.seed),
        "all-to-all": AllToAll(patch=patch),
        "source-specific": SourceSpecific(patch=patch, source=source),
    }
    return kinds[recipe.attack]
