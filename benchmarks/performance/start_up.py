"""What the fork server saves: each model in a run of its own, and all of them in one run, in CPU seconds.

A run of one model has no server, so it is what every model cost
before there was one. CPU seconds, for wall time depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def measured(models: Sequence[Path], options: Sequence[str]) -> tuple[float, float, list[dict[str, Any]]]:
    """Return the CPU and wall seconds of one run, children included, and what it says of the models."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            sys.executable,
            "-m",
            "gate",
            "check",
            "-q",
            "--no-cache",
            *options,
            f"--output=json={report}",
        ]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([*command, *map(str, models)], check=False, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        artifacts: list[dict[str, Any]] = json.loads(report.read_text())["artifacts"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (
        cpu,
        wall,
        [{name: value for name, value in each.items() if name != "seconds"} for each in artifacts],
    )


def main(words: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks start-up", description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--policy")
    arguments = parser.parse_args(words)
    models: list[Path] = sorted(arguments.models)
    options = [f"--policy={arguments.policy}"] if arguments.policy else []
    alone = [measured([model], options) for model in models]
    cpu, wall, together = measured(models, options)
    print("| | CPU s | wall s |\n|---|---:|---:|")
    for model, (seconds, elapsed, _) in zip(models, alone, strict=True):
        print(f"| {model.name}, alone | {seconds:.1f} | {elapsed:.1f} |")
    print(
        f"| {len(models)} runs of one model | {sum(a[0] for a in alone):.1f} | {sum(a[1] for a in alone):.1f} |"
    )
    print(f"| one run of {len(models)} models | {cpu:.1f} | {wall:.1f} |")
    is_same = together == [each for _, _, found in alone for each in found]
    print(f"\nEvery model's part of the report is {'the same' if is_same else 'NOT THE SAME'} both ways.")
