"""Is the verdict the same whatever the seed? Resumes.

Scans networks of one split, half of them clean, through the command line with `--seed`. Verdicts are written to
OUT/<name>.seeds.json after each scan; seed 0 is taken from OUT/<name>.scan.json where it is. Seed by seed, so
that a run that was stopped has tried all networks about equally often. Networks of many classes can be left out where time is
short (`--most-classes`), and processes can share the work (`--part I/N`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path

import numpy as np

from benchmarks.networks import truth
from benchmarks.networks.keep import keep
from benchmarks.scans.check import check, entry
from gate.core.share import share


def chosen(folder: Path, split: str, count: int, most_classes: int | None = None) -> list[str]:
    """Return the names of `count` networks, clean and backdoored in turn; fewer are the first ones of more.

    Args:
        folder: Of the networks.
        split: Which they belong to.
        count: How many, at most.
        most_classes: That a network may have; None for any number.
    """
    known = [truth.read(file) for file in sorted(folder.glob("*.truth.json"))]
    recipes = [recipe for recipe, true in known if most_classes is None or true.num_classes <= most_classes]
    kinds = [
        [each.name for each in recipes if each.split == split and bool(each.attack) == is_bad]
        for is_bad in (False, True)
    ]
    rng = np.random.default_rng(2026)
    shuffled = [[names[i] for i in rng.permutation(len(names))] for names in kinds]
    return list(islice(filter(None, chain(*zip_longest(*shuffled))), count))


def missing(folder: Path, names: list[str], seeds: int) -> Iterator[tuple[int, str]]:
    """Yield what is still to scan, all networks with one seed before the next."""
    for seed in range(seeds):
        for name in names:
            if str(seed) not in verdicts(folder, name):
                yield seed, name


def verdicts(folder: Path, name: str) -> dict[str, str]:
    """Return a network's verdicts by seed, as far as they are known."""
    file, scan = folder / f"{name}.seeds.json", folder / f"{name}.scan.json"
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if "0" not in known and scan.exists():
        known["0"] = entry(scan)["verdict"]
    return known


def scan(folder: Path, name: str, seed: int) -> None:
    """Scan one network with one seed and add its verdict, the file being whole at any time."""
    _, known = truth.read(folder / f"{name}.truth.json")
    with tempfile.TemporaryDirectory() as scratch:
        found = check(
            folder / f"{name}.keras", known.limits, Path(scratch, "seed.scan.json"), f"--seed={seed}"
        )
    if found["anomaly_index"] is None:
        print(f"{name}: seed {seed}: not scanned in full: {' '.join(found['not_checked'])}", flush=True)
        return
    told = verdicts(folder, name) | {str(seed): found["verdict"]}
    keep(folder / f"{name}.seeds.json", told)
    print(f"{name}: seed {seed}: {told[str(seed)]}", flush=True)


def main(words: Sequence[str]) -> None:
    """Scan what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan-seeds", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--split", default="validation", help="calibration, validation or test")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--most-classes", type=int, help="that a network may have; any number if left out")
    parser.add_argument(
        "--part", type=share, default=(1, 1), metavar="I/N", help="every N-th network, from the I-th"
    )
    arguments = parser.parse_args(words)
    first, parts = arguments.part
    names = chosen(arguments.out, arguments.split, arguments.networks, arguments.most_classes)
    for seed, name in missing(arguments.out, names[first - 1 :: parts], arguments.seeds):
        scan(arguments.out, name, seed)
