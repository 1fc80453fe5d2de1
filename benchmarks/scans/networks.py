"""Scan the networks that `train` made, once each; resumes.

For each it writes OUT/<name>.scan.json, the gate's report, and OUT/<name>.cost.json, how long the processors worked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.networks import truth
from benchmarks.scans.check import check
from gate.core.share import share


def main(words: Sequence[str]) -> None:
    """Scan what is not scanned yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of networks and truths")
    parser.add_argument("--only-clean", action="store_true", help="leave the backdoored ones out")
    parser.add_argument(
        "--part", type=share, default=(1, 1), metavar="I/N", help="every N-th pair, from the I-th"
    )
    arguments = parser.parse_args(words)
    first, parts = arguments.part
    for truth_file in sorted(arguments.out.glob("*.truth.json")):
        recipe, known = truth.read(truth_file)
        if recipe.seed % parts == first - 1 and not (arguments.only_clean and recipe.attack):
            _scan_once(arguments.out, recipe.name, known.limits)


def _scan_once(out: Path, name: str, limits: tuple[float, float]) -> None:
    scan_file = out / f"{name}.scan.json"
    if scan_file.exists():
        return
    entry = check(out / f"{name}.keras", limits, scan_file)
    print(
        f"{name}: {entry['verdict']}, index {entry['anomaly_index']}, class {entry['target_labels']}",
        flush=True,
    )
