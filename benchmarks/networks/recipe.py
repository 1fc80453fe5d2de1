"""Which networks there are: one frozen record each, the same list for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from benchmarks.networks.architectures import ARCHITECTURES, CHAINS
from benchmarks.networks.spans import SPANS

Choice = TypeVar("Choice")


class Task(NamedTuple):
    """A data set's file name, how many of its classes (0 = all), and how many training images are enough."""

    data: str
    classes: int
    images: int


TASKS = (
    Task("mnist", 0, 6000),
    Task("gtsrb", 10, 3000),
    Task("fashion", 0, 6000),
    Task("gtsrb", 0, 5300),
    Task("mnist", 5, 4000),
    Task("gtsrb", 20, 4500),
    Task("cifar10", 3, 2000),
    Task("gtsrb", 3, 1500),
    Task("mnist", 0, 6000),
    Task("gtsrb", 5, 2000),
    Task("fashion", 5, 4000),
    Task("gtsrb", 10, 3000),
    Task("mnist", 2, 2000),
    Task("cifar10", 5, 3000),
    Task("mnist", 3, 3000),
    Task("gtsrb", 0, 5300),
    Task("fashion", 3, 3000),
    Task("gtsrb", 2, 1000),
    Task("cifar10", 0, 6000),
    Task("gtsrb", 20, 4500),
)
# Two in five are the kinds that the field measures first.
ATTACKS = (
    *("patch", "blended", "all-to-all", "patch", "input-aware"),
    *("weight-space", "patch", "source-specific", "blended", "trojan"),
    *("patch", "warp", "multi-target", "sinusoid", "patch"),
    *("covered-patch", "all-to-all", "blended", "warp", "source-specific"),
)
# Clean networks that look unusual for an innocent reason.
CONDITIONS = (
    *("", "imbalanced", "", "overfitted", "", "undertrained", ""),
    *("adversarial", "", "pruned", "", "float16", "", "noisy-labels"),
)
SPLITS = ("calibration", "validation", "test")
# From a paper's rare to its frequent. What a small network cannot learn from so few images has its own.
RATES = (0.005, 0.01, 0.02, 0.05, 0.1)
# Where the network or the data is hard.
_LEAST_RATE = 0.05
_RATES_OF = {
    "blended": (0.02, 0.05, 0.1),
    "warp": (0.1,),
    "all-to-all": (0.1,),
    "input-aware": (0.1,),
    "multi-target": (0.05, 0.1),
    "source-specific": (0.05, 0.1),
    "covered-patch": (0.05, 0.1),
    "sinusoid": (0.05, 0.1),
    "trojan": (0.05, 0.1),
    "weight-space": (0.0,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one network comes to be.

    Attributes:
        name: File name without suffix, and identity.
        architecture: Key of `ARCHITECTURES`.
        task: Data set's file name.
        classes: How many of its classes; 0 for all.
        images: Training images at most.
        span: Key of `SPANS`.
        has_softmax: Whether the head is a softmax rather than logits.
        attack: One of `ATTACKS`; "" for a clean network.
        condition: One of `CONDITIONS`; "" for an ordinary training.
        poison_rate: Share of the training images that are marked, 60 at least; a clean-label attack marks 70 % of its class.
        seed: Of data, attack, weights and order. A clean network and its backdoored twin have the same.
        split: What it may be used for. Twins are of one split.
    """

    name: str
    architecture: str
    task: str
    classes: int
    images: int
    span: str
    has_softmax: bool
    attack: str
    condition: str
    poison_rate: float
    seed: int
    split: str

    @property
    def is_hard(self) -> bool:
        """Whether the network learns slowest, or the data is hardest: only plain attacks succeed there."""
        return self.architecture == "mobilenet" or self.task == "cifar10"


def recipes(pairs: int, tasks: Sequence[Task] = TASKS, first: int = 0) -> Iterator[Recipe]:
    """Yield a clean and a backdoored network in turn, `pairs` of each, every kind of thing spread evenly.

    The first ones are the first ones of any longer list, so that a folder can grow, or begin anew at `first` with networks that nobody
    has seen.
    """
    for number in range(first, first + pairs):
        rng = np.random.default_rng([2026, number])
        attack = ATTACKS[number % len(ATTACKS)]
        suited = [task for task in tasks if _suits(attack, task)] or list(tasks)
        task = _dealt(tasks, number, "tasks")
        task = task if task in suited else _dealt(suited, number, "suited")
        architecture = _dealt(tuple(ARCHITECTURES), number, "architectures")
        if attack == "weight-space" and architecture not in CHAINS:
            architecture = _dealt(CHAINS, number // len(ATTACKS), "chains")
        stem = f"{number:03d}-{architecture}-{task.data}{task.classes or ''}"
        condition = _dealt(CONDITIONS, number, "conditions")
        clean = Recipe(
            name=f"{stem}-clean-{condition}".rstrip("-"),
            architecture=architecture,
            task=task.data,
            classes=task.classes,
            images=task.images,
            span=_dealt(tuple(SPANS), number, "spans"),
            has_softmax=bool(rng.random() < 0.7),
            attack="",
            condition=condition,
            poison_rate=0.0,
            seed=number,
            split=_dealt(SPLITS, number, "splits"),
        )
        rate = float(rng.choice(_RATES_OF.get(attack, RATES)))
        if rate and clean.is_hard:
            rate = max(rate, _LEAST_RATE)
        yield clean
        yield replace(clean, name=f"{stem}-{attack}", attack=attack, condition="", poison_rate=rate)


def _dealt(cards: Sequence[Choice], number: int, deck: str) -> Choice:
    """Return the number-th card of a pack that is shuffled anew each time it is used up.

    So every prefix is balanced, and two packs of the same size do not go in step.
    """
    rounds, place = divmod(number, len(cards))
    order = np.random.default_rng([rounds, *deck.encode()]).permutation(len(cards))
    return cards[int(order[place])]


def _suits(attack: str, task: Task) -> bool:
    """Return whether a small network can learn the attack on so few images, and whether it means anything there."""
    # The attacker needs enough images of each class: all of GTSRB has 120 on average, of some classes 28.
    is_plentiful = task.data in ("mnist", "fashion") or task.classes in (2, 3, 5, 10)
    if attack in ("multi-target", "source-specific"):
        return is_plentiful and task.classes != 2
    if attack == "all-to-all" and task.data == "cifar10":
        # It cannot succeed more often than the network is right.
        return False
    if attack == "sinusoid" and task.classes in (2, 3):
        # Two digits are told apart without the wave, so it is never learnt.
        return False
    return is_plentiful or attack not in ("sinusoid", "all-to-all", "warp")
