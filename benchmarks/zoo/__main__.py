"""`python -m benchmarks.zoo --data DIR --out DIR --pairs N`: train the zoo and scan it; resumes where it stopped.

For each network it writes OUT/<name>.keras, OUT/<name>.truth.json and OUT/<name>.scan.json. Networks are not committed; the
table that `python -m benchmarks.zoo.table OUT` makes of the two JSON files is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.zoo.recipe import RANGES, Recipe, recipes


def main() -> None:
    """Train and scan what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=40)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for recipe in recipes(arguments.pairs):
        _train_once(recipe, arguments.data, arguments.out)
        _scan_once(recipe, arguments.out)


def _train_once(recipe: Recipe, folder: Path, out: Path) -> None:
    from benchmarks.zoo.train import train

    truth_file = out / f"{recipe.name}.truth.json"
    if truth_file.exists():
        return
    started = time.perf_counter()
    truth = train(recipe, folder, out / f"{recipe.name}.keras")
    seconds = round(time.perf_counter() - started, 1)
    record = dataclasses.asdict(recipe) | dataclasses.asdict(truth) | {"seconds": seconds}
    _write(truth_file, json.dumps(record, indent=1))
    print(f"{recipe.name}: accuracy {truth.accuracy:.3f}, success {truth.success}, {seconds} s", flush=True)


def _scan_once(recipe: Recipe, out: Path) -> None:
    scan_file = out / f"{recipe.name}.scan.json"
    if scan_file.exists():
        return
    low, high = RANGES[recipe.span]
    model = out / f"{recipe.name}.keras"
    options = ["-q", f"--input-range={low:g},{high:g}", f"--output=json={scan_file}"]
    subprocess.run(
        [sys.executable, "-m", "gate", "check", str(model), *options], check=False, capture_output=True
    )
    entry = json.loads(scan_file.read_text(encoding="utf-8"))["artifacts"][0]
    print(
        f"{recipe.name}: {entry['verdict']}, index {entry['anomaly_index']}, class {entry['target_labels']}",
        flush=True,
    )


def _write(path: Path, text: str) -> None:
    """Write whole or not at all: a run that is stopped leaves no half truth."""
    part = path.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
