"""Run one detector anew on networks that were scanned.

FILE holds evidence, a line each (see `benchmarks.evaluation.evidence`). Where the network of a line is at hand, the gate looks at it with that detector
alone, and what it finds takes the place of what the line says of it. The searches of the others stay: no detector depends on another. Lines
are written as they are done; with `--names FILE2` only the networks that it lists are run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.evaluation.evidence import numbers, row
from benchmarks.evaluation.judges import GATE
from benchmarks.networks import truth
from benchmarks.scans.check import check
from benchmarks.scans.verdicts import read_truth
from gate.detectors import ids

# The order in which detectors run, and every line names them.
_ORDER = tuple(
    yaml.safe_load(Path(__file__).parents[2].joinpath("policies/default.yaml").read_text(encoding="utf-8"))[
        "detectors"
    ]
)


class Network(NamedTuple):
    """A model file and its input range, None if it is not known."""

    file: Path
    limits: tuple[float, float] | None


def renewed(line: dict[str, Any], detector: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return a line of evidence with what one detector says now, and the verdict that follows.

    Args:
        line: As `benchmarks.evaluation.evidence` writes it.
        detector: Its id.
        found: Its evidence in a JSON report.
    """
    evidence = {**line["evidence"], detector: numbers(found) if found["status"] == "measured" else None}
    kept = {name: evidence[name] for name in _ORDER if evidence.get(name) is not None}
    fresh = {**line, "evidence": kept}
    if line["verdict"] in ("pass", "fail"):
        fresh["verdict"] = "fail" if GATE.blames(row(fresh)) else "pass"
    return fresh


def policy_of_one(detector: str) -> str:
    """Return a policy that asks one detector only."""
    settings = {name: {"enabled": name == detector} for name in ids()}
    return json.dumps({"version": 1, "detectors": settings, "max_score": None})


def of_folder(folder: Path) -> Iterator[tuple[str, Network]]:
    """Yield the networks of a folder by name."""
    for file in folder.glob("*.truth.json"):
        recipe, true = truth.read(file)
        yield recipe.name, Network(folder / f"{recipe.name}.keras", true.limits)


def of_table(table: Path) -> Iterator[tuple[str, Network]]:
    """Yield the networks of a table of public ones by name."""
    for case in read_truth(table):
        yield case.file.name, Network(case.file, case.limits)


def main(words: Sequence[str]) -> None:
    """Run the detector, and write each line as it is done."""
    arguments = _parser().parse_args(words)
    networks = dict(of_folder(arguments.zoo) if arguments.zoo else of_table(arguments.public))
    wanted = set(arguments.names.read_text(encoding="utf-8").split()) if arguments.names else networks.keys()
    lines = [json.loads(text) for text in arguments.file.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as temporary:
        policy, report = Path(temporary, "policy.yaml"), Path(temporary, "report.scan.json")
        policy.write_text(policy_of_one(arguments.detector), encoding="utf-8")
        for place, line in enumerate(lines):
            name = line["truth"]["name"]
            if name not in networks or name not in wanted:
                continue
            file, limits = networks[name]
            (found,) = check(file, limits, report, "--policy", str(policy))["evidence"]
            lines[place] = renewed(line, arguments.detector, found)
            print(f"{name}: {found['status']}, index {found['anomaly_index']}", flush=True)
            text = "".join(json.dumps(each) + "\n" for each in lines)
            arguments.file.write_text(text, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks rescan", description=__doc__)
    parser.add_argument("detector", choices=ids())
    parser.add_argument("file", type=Path, help="evidence, a line each")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--zoo", type=Path, help="folder of networks and truths")
    where.add_argument("--public", type=Path, help="table of networks by other authors")
    parser.add_argument("--names", type=Path, help="names of the networks to run; all if left out")
    return parser
