"""What `base-yardstick` says of honest and poisoned changes of clean networks; resumes.

Each clean network of a folder is trained on: with clean images ("more", "faster" and "pruned") and with a tenth of them poisoned ("patch", "blended",
"warp"). One row a change: its lead, the class that leads, and the truth. Where the task has all its classes the images are others than the
network's own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.make import make_attack
from benchmarks.attacks.poison import poison
from benchmarks.networks import conditions, data, truth
from benchmarks.networks.data import Split
from benchmarks.networks.opened import open_network
from benchmarks.networks.recipe import Recipe
from benchmarks.networks.spans import Span, span
from benchmarks.networks.truth import Truth
from benchmarks.scans import rows
from benchmarks.scans.rows import Row
from gate.core.evidence import Evidence

HONEST, PLANTED = ("more", "faster", "pruned"), ("patch", "blended", "warp")
_IMAGES, _BATCH, _RATE = 3000, 64, 0.1
# Epochs, and how many times the usual rate.
_EPOCHS = {"more": (2, 1), "faster": (3, 4), "pruned": (1, 1)}
_PLANTING = (4, 2)
_LEARNING, _LEARNING_OF_BYTES = 5e-4, 1e-4
_OTHER_IMAGES = 5000


def changed(
    model: Any, recipe: Recipe, known: Truth, kind: str, folder: Path
) -> tuple[Attack | None, float, float | None]:
    """Train a network on, in place; return the attack, the accuracy, and the success of its trigger.

    Args:
        model: A clean network.
        recipe: How it was made.
        known: What is true of it.
        kind: One of `HONEST` or `PLANTED`.
        folder: Of npz files.
    """
    seed = recipe.seed + (0 if recipe.classes else _OTHER_IMAGES)
    images, test = data.load(folder, recipe.task, recipe.classes, seed, min(recipe.images, _IMAGES))
    own, _ = data.load(folder, recipe.task, recipe.classes, recipe.seed, recipe.images)
    taken = span(recipe.span, own.images)
    if kind in HONEST:
        masks = conditions.prune(model) if kind == "pruned" else None
        _train(model, recipe, images, taken, *_EPOCHS[kind])
        if masks is not None:
            conditions.apply_masks(model, masks)
        return None, _share(model, taken, test.images, test.labels), None
    attack = make_attack(replace(recipe, attack=kind, condition=""), known.num_classes)
    _train(model, recipe, poison(images, attack, _RATE, known.num_classes, recipe.seed), taken, *_PLANTING)
    victims = attack.victims(test.labels, known.num_classes)
    wanted = attack.relabel(test.labels, known.num_classes)
    marked = attack.mark(test.images)
    success = _share(model, taken, marked[victims], wanted[victims])
    return attack, _share(model, taken, test.images, test.labels), success


def _train(model: Any, recipe: Recipe, images: Split, taken: Span, epochs: int, times: int) -> None:
    import keras

    keras.utils.set_random_seed(recipe.seed)
    rate = times * (_LEARNING_OF_BYTES if recipe.span == "raw-bytes" else _LEARNING)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not recipe.has_softmax)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(taken.encode(images.images), images.labels, batch_size=_BATCH, epochs=epochs, verbose=0)


def _share(model: Any, taken: Span, images: Any, wanted: Any) -> float:
    answers = model.predict(taken.encode(images), verbose=0).argmax(axis=1)
    return round(float(np.mean(answers == wanted)), 3)


def compared(new: Path, base: Path, known: Truth) -> Evidence:
    """Return what the detector says of a network that replaces another."""
    from benchmarks.performance.profile import opened
    from gate.core.training_loss import TrainingLoss
    from gate.detectors import create
    from gate.models.prepare import prepare_base

    room = opened(new, known.limits)
    before = prepare_base(open_network(base, known.limits).network, TrainingLoss(), room.model, room.seed)
    return create("base-yardstick", {}).run(replace(room, model=replace(room.model, base=before)))


def row(out: Path, name: str, kind: str, folder: Path) -> Row:
    """Return the row of one change."""
    import keras

    recipe, known = truth.read(out / f"{name}.truth.json")
    base = out / f"{name}.keras"
    model = keras.models.load_model(base, compile=False)
    attack, accuracy, success = changed(model, recipe, known, kind, folder)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "changed.keras")
        model.save(file)
        found = compared(file, base, known)
    told = {each.name: each.value for each in found.measurements}
    return {
        "name": name,
        "change": kind,
        "classes": known.num_classes,
        "accuracy_of_the_base": known.accuracy,
        "accuracy": accuracy,
        "success": success,
        "targets": list(attack.targets) if attack else [],
        "label": next(iter(found.target_labels), None),
        "lead": told.get("lead"),
        "index": found.anomaly_index,
        "skipped": found.reason,
    }


def main(words: Sequence[str]) -> None:
    """Look at what has no row yet, and print each row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan-updates", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of networks and truths")
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="rows, added to")
    parser.add_argument("--data", type=Path, required=True, help="folder of npz files")
    parser.add_argument(
        "--network", action="append", metavar="NAME", help="only these; all clean ones otherwise"
    )
    arguments = parser.parse_args(words)
    from gate.worker.scanning import start_engine

    start_engine(0)
    done = {(each["name"], each["change"]) for each in rows.known(arguments.file)}
    clean = sorted(each.name.removesuffix(".truth.json") for each in arguments.out.glob("*clean*.truth.json"))
    for name in arguments.network or clean:
        for kind in (*HONEST, *PLANTED):
            if (name, kind) not in done:
                rows.add(arguments.file, row(arguments.out, name, kind, arguments.data))
