"""Train the networks that the recipe lists; those that are there already stay.

For each it writes OUT/<name>.keras and OUT/<name>.truth.json. Networks are not committed; the evidence that `scan` and `collect`
make of them is. `benchmarks.networks.truth` stamps the true trigger of a network on any images.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.networks import truth
from benchmarks.networks.recipe import TASKS, Recipe, Task, recipes
from gate.core.share import share


def main(words: Sequence[str]) -> None:
    """Train what is not there yet."""
    arguments = _parser().parse_args(words)
    arguments.out.mkdir(parents=True, exist_ok=True)
    tasks = arguments.task or TASKS
    first, parts = arguments.part
    for recipe in recipes(arguments.pairs, tasks, arguments.first):
        # By pair: by network, one part of two would have all the clean ones.
        if recipe.seed % parts != first - 1 or (arguments.only_clean and recipe.attack):
            continue
        if not (arguments.data / f"{recipe.task}.npz").exists():
            print(f"{recipe.name}: left out, no {recipe.task}.npz in {arguments.data}", flush=True)
            continue
        _train_once(recipe, arguments.data, arguments.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of npz files")
    parser.add_argument("--out", type=Path, required=True, help="folder for networks and truths")
    parser.add_argument("--pairs", type=int, default=40, help="of a clean network and a backdoored one")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first pair: networks unlike all before"
    )
    parser.add_argument("--only-clean", action="store_true", help="leave the backdoored ones out")
    parser.add_argument(
        "--part", type=share, default=(1, 1), metavar="I/N", help="every N-th pair, from the I-th"
    )
    parser.add_argument(
        "--task",
        type=_task,
        action="append",
        metavar="NAME:CLASSES:IMAGES",
        help="instead of the recipe's own data sets: NAME.npz, how many of its classes (0 for all), training images at most",
    )
    return parser


def _task(text: str) -> Task:
    name, classes, images = text.split(":")
    return Task(name, int(classes), int(images))


def _train_once(recipe: Recipe, folder: Path, out: Path) -> None:
    truth_file = out / f"{recipe.name}.truth.json"
    if truth_file.exists():
        return
    # One core each, so that parts share a machine; read when TensorFlow starts.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from benchmarks.networks.train import train

    found = train(recipe, folder, out / f"{recipe.name}.keras")
    truth.write(recipe, found, truth_file)
    success = "" if found.success is None else f", success {found.success:.3f}"
    print(f"{recipe.name}: accuracy {found.accuracy:.3f}{success}, {found.seconds} s", flush=True)
