"""What `training-memory` says of trained networks with clean test images; resumes.

One row a network: excess of the leading class (the index in standard deviations), its class, the estimated share of poisoned images, and the
truth. Networks without batch normalisation are skipped, and the row says so.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.networks import truth
from benchmarks.scans import rows
from benchmarks.scans.real_images import images
from benchmarks.scans.rows import Row
from gate.core.evidence import Evidence


def row(out: Path, name: str, folder: Path, count: int) -> Row:
    """Return the row of one network."""
    from benchmarks.performance.profile import opened
    from gate.core.job import Role
    from gate.detectors import create
    from gate.models.datasets import dataset as datasets
    from gate.models.surrogates.pools import SurrogatePools

    recipe, known = truth.read(out / f"{name}.truth.json")
    room = opened(out / f"{name}.keras", known.limits)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "clean.npz")
        images(recipe, known, folder, file, count)
        shape, classes = room.classifier.input_shape, room.classifier.num_classes
        dataset = datasets.load(file, Role.CLEAN, shape, classes, known.limits)
        pools = SurrogatePools(room.classifier, room.seed, dataset)
        context = replace(room, model=replace(room.model, dataset=dataset, pools=pools))
        found = create("training-memory", {}).run(context)
    return {
        "name": name,
        "attack": recipe.attack,
        "success": known.success,
        "targets": list(known.targets),
        "images": count,
        **_said(found),
    }


def _said(found: Evidence) -> Row:
    told = {each.name: each.value for each in found.measurements}
    return {
        "index": found.anomaly_index,
        "label": next(iter(found.target_labels), None),
        "poison_rate": told.get("poison_rate"),
        "unrest": told.get("unrest"),
        "skipped": found.reason,
    }


def main(words: Sequence[str]) -> None:
    """Look at what has no row yet, and print each row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan-memory", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of networks and truths")
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="rows, added to")
    parser.add_argument("--data", type=Path, required=True, help="folder of npz files")
    parser.add_argument("--images", type=int, default=500, help="clean test images (500)")
    arguments = parser.parse_args(words)
    from gate.worker.scanning import start_engine

    start_engine(0)
    done = {each["name"] for each in rows.known(arguments.file)}
    for file in sorted(arguments.out.glob("*.truth.json")):
        name = file.name.removesuffix(".truth.json")
        if name not in done:
            rows.add(arguments.file, row(arguments.out, name, arguments.data, arguments.images))
