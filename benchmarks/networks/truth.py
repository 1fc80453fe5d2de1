"""What a trained network does, as the JSON file beside it; enough to stamp its trigger on any images."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.make import make_attack
from benchmarks.attacks.patch import Patch
from benchmarks.networks.keep import keep
from benchmarks.networks.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a trained network does, measured on test images.

    Attributes:
        num_classes: Of its answers.
        shape: Height, width, channels.
        accuracy: On clean images, 0..1.
        success: Share of the attack's victims that it turns, 0..1; None for a clean network.
        target: Class that marked images are sent to; None for a clean network, and where there is more than one.
        targets: All such classes; empty for a clean network and for all-to-all.
        pixels: The patch, where it was made on the network and not drawn by the seed; else empty.
        offset: Input for a black pixel, one per channel.
        scale: What a white pixel adds to it, one per channel.
        limits: Lowest and highest input, what `--input-range` wants.
        seconds: It took to train.
    """

    num_classes: int
    shape: tuple[int, ...]
    accuracy: float
    success: float | None
    target: int | None
    targets: tuple[int, ...]
    pixels: tuple[tuple[tuple[float, ...], ...], ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    limits: tuple[float, float]
    seconds: float


def write(recipe: Recipe, truth: Truth, file: Path) -> None:
    """Write both as one record, whole or not at all: a run that is stopped leaves no half truth."""
    record = dataclasses.asdict(recipe) | dataclasses.asdict(truth)
    keep(file, record, indent=1)


def read(file: Path) -> tuple[Recipe, Truth]:
    """Return what `write` wrote."""
    record = json.loads(file.read_text(encoding="utf-8"))
    record["pixels"] = tuple(tuple(tuple(pixel) for pixel in row) for row in record["pixels"])
    for name in ("shape", "targets", "offset", "scale", "limits"):
        record[name] = tuple(record[name])
    recipe, truth = (
        {field.name: record[field.name] for field in dataclasses.fields(kind)} for kind in (Recipe, Truth)
    )
    return Recipe(**recipe), Truth(**truth)


def attack_of(recipe: Recipe, truth: Truth) -> Attack:
    """Return the attack as it was carried out: its `mark` stamps the true trigger on images 0..1.

    Raises:
        KeyError: The network is clean.
    """
    attack = make_attack(recipe, truth.num_classes)
    if truth.pixels and isinstance(attack, Patch):
        return dataclasses.replace(attack, pixels=truth.pixels)
    return attack
