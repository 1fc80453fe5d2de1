"""What the gate says with real images as trusted data; resumes.

The networks are scanned through the command line with `--data`, a few hundred test images that they were not trained on, as trusted
samples (`--data-role clean`). What all evidence says together is written to OUT/<name>.real.json.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.networks import data, truth
from benchmarks.networks.keep import keep
from benchmarks.networks.recipe import Recipe
from benchmarks.networks.truth import Truth
from benchmarks.scans.check import check
from benchmarks.scans.seeds import chosen

_IMAGES = 400


def images(recipe: Recipe, known: Truth, folder: Path, file: Path, count: int = _IMAGES) -> None:
    """Write real test images as the network takes them, with their labels, as an npz file."""
    _, test = data.load(folder, recipe.task, recipe.classes, recipe.seed, recipe.images)
    taken = np.random.default_rng(recipe.seed).permutation(len(test.labels))[:count]
    raw = test.images[taken] * np.asarray(known.scale, np.float32) + np.asarray(known.offset, np.float32)
    np.savez(file, x_train=raw, y_train=test.labels[taken])


def scan(out: Path, name: str, folder: Path) -> None:
    """Scan one network and write what is said of it, whole or not at all."""
    recipe, known = truth.read(out / f"{name}.truth.json")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "real.npz")
        images(recipe, known, folder, file)
        report = Path(scratch, "real.scan.json")
        found = check(
            out / f"{name}.keras", known.limits, report, "--data", str(file), "--data-role", "clean"
        )
    if found["anomaly_index"] is None:
        print(f"{name}: not scanned in full: {' '.join(found['not_checked'])}", flush=True)
        return
    told = {"real-images": {"index": round(found["anomaly_index"], 3), "labels": found["target_labels"][:1]}}
    keep(out / f"{name}.real.json", told)
    print(f"{name}: {found['verdict']} {told['real-images']}", flush=True)


def main(words: Sequence[str]) -> None:
    """Scan what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan-real-images", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--data", type=Path, required=True, help="folder of npz files")
    parser.add_argument("--split", default="test", help="calibration, validation or test")
    parser.add_argument("--networks", type=int, default=20)
    arguments = parser.parse_args(words)
    for name in chosen(arguments.out, arguments.split, arguments.networks):
        if not (arguments.out / f"{name}.real.json").exists():
            scan(arguments.out, name, arguments.data)
