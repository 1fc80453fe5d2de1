"""What is true of each network and what was measured on it: one row each, `collect`ed from a folder, read from a file.

Joins OUT/<name>.truth.json, .scan.json and, where they are, .cost.json, .rivals.json (`peers`), .real.json and .seeds.json. The networks are not committed;
the file is, so that tables and calibrations are made again in seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import DEVELOPMENT
from gate.core.evidence import Evidence, Measurement, Status

TRUTH = (
    "name", "split", "architecture", "task", "span", "num_classes", "attack", "condition", "poison_rate", "accuracy",
    "success", "targets",
)  # fmt: skip
_NUMBERS = (
    "classes_searched",
    "log_ratio",
    "spread",
    "agreement",
    "index_on_search_images",
    "index_on_second_images",
)
_CLASS_INDEX = "class_index"
# A backdoor that works less often is a stratum of its own.
_WORKS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One network.

    Attributes:
        truth: What the recipe and its training say.
        evidence: What each detector measured; skipped ones are left out.
        seconds: The scan took, on a machine that may have been busy.
        cpu_seconds: The processors worked for it; None if not known.
        verdict: Of the gate when it was scanned; "" if not known.
        baselines: What others would measure, see `benchmarks.evaluation.baselines`; "rivals" in files.
        seeds: Verdict by seed, see `benchmarks.scans.seeds`.
    """

    truth: dict[str, Any]
    evidence: tuple[Evidence, ...]
    seconds: float
    cpu_seconds: float | None = None
    verdict: str = ""
    baselines: tuple[Evidence, ...] = ()
    seeds: dict[str, str] = field(default_factory=dict)

    @property
    def stratum(self) -> str:
        """Clean, the attack's name, or weak."""
        attack = self.truth["attack"]
        if not attack:
            return "clean"
        return str(attack) if self.truth["success"] >= _WORKS else "weak"

    @property
    def is_clean(self) -> bool:
        """Whether nobody put a backdoor in."""
        return not self.truth["attack"]


def read(file: Path = DEVELOPMENT) -> list[Row]:
    """Return all networks of an evidence file."""
    return [row(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def row(record: dict[str, Any]) -> Row:
    """Return a line of the file as what it means."""
    return Row(
        truth=record["truth"],
        evidence=_evidence(record["evidence"]),
        seconds=record["seconds"],
        cpu_seconds=record.get("cpu_seconds"),
        verdict=record.get("verdict", ""),
        baselines=_evidence(record.get("rivals", {})),
        seeds=record.get("seeds", {}),
    )


def _evidence(record: dict[str, Any]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            detector=name,
            rule="",
            status=Status.MEASURED,
            anomaly_index=found["index"],
            paper_statistic=found.get("paper"),
            target_labels=tuple(found["labels"]),
            measurements=(
                *(Measurement(name=key, value=found[key]) for key in _NUMBERS if key in found),
                *(
                    Measurement(name=_CLASS_INDEX, value=index, label=int(label))
                    for label, index in found.get("classes", {}).items()
                ),
            ),
        )
        for name, found in record.items()
    )


def collect(folder: Path) -> list[dict[str, Any]]:
    """Return a record for each network of the folder that was trained and scanned."""
    records = []
    for truth_file in sorted(folder.glob("*.truth.json")):
        stem = truth_file.name.removesuffix(".truth.json")
        scan = _read(folder / f"{stem}.scan.json")
        if scan is None:
            continue
        truth, entry = json.loads(truth_file.read_text(encoding="utf-8")), scan["artifacts"][0]
        if entry["anomaly_index"] is None:
            print(f"not scanned in full: {truth_file.stem}: {entry['not_checked']}", file=sys.stderr)
            continue
        extras = {key: _read(folder / f"{stem}.{key}.json") for key in ("rivals", "seeds")}
        # What the gate says with real images is one more way to judge the same network.
        extras["rivals"] = (extras["rivals"] or {}) | (_read(folder / f"{stem}.real.json") or {})
        known = {key: value for key, value in extras.items() if value}
        records.append(record(truth, entry) | (_read(folder / f"{stem}.cost.json") or {}) | known)
    return records


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def record(truth: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of one scan: what is true of the network, and what was measured on it."""
    measured = [found for found in entry["evidence"] if found["status"] == "measured"]
    return {
        "truth": {key: _rounded(truth[key]) for key in TRUTH},
        "evidence": {found["detector"]: numbers(found) for found in measured},
        "seconds": round(entry["seconds"], 1),
        "verdict": entry["verdict"],
    }


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a detector's evidence in a JSON report."""
    named = {each["name"]: each["value"] for each in found["measurements"] if each.get("label") is None}
    paper = found.get("paper_statistic")
    classes = {
        each["label"]: round(each["value"], 3)
        for each in found["measurements"]
        if each["name"] == _CLASS_INDEX
    }
    return {
        "index": round(found["anomaly_index"], 3),
        **({} if paper is None else {"paper": round(paper, 3)}),
        "labels": found["target_labels"],
        **({"classes": classes} if classes else {}),
        **{key: round(named[key], 3) for key in _NUMBERS if key in named},
    }


def _rounded(value: Any) -> Any:
    return float(np.round(value, 4)) if isinstance(value, float) else value


def main(words: Sequence[str]) -> None:
    """Collect and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks collect", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of networks")
    parser.add_argument("file", type=Path, metavar="FILE", help="to write")
    arguments = parser.parse_args(words)
    records = collect(arguments.out)
    arguments.file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    print(f"{len(records)} networks in {arguments.file}")
