"""Scan every model of a truth table with the real command line and print what came of it.

The table is a CSV file with the columns file, label (clean, all-to-one, all-to-all, unsupported), target, input_range
("0..1", or "unknown") and classes, paths relative to the CSV; or the `truth.json` of `examples/build.py`.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EXAMPLES = Path(__file__).parents[2] / "examples" / "truth.json"
_HEADER = (
    "| model | truth | verdict | index | paper's index | class | seconds |\n|---|---|---|---:|---:|---:|---:|"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One model and what is known of it."""

    file: Path
    label: str
    target: str
    span: str

    @property
    def limits(self) -> tuple[float, float] | None:
        """The input range; None if it is not known."""
        low, _, high = self.span.partition(",")
        return (float(low), float(high)) if high else None


def read_truth(table: Path) -> list[Case]:
    """Return the cases of a truth table."""
    if table.suffix == ".json":
        entries = json.loads(table.read_text(encoding="utf-8"))["models"]
        return [_example(entry, table.parent) for entry in entries]
    with table.open(encoding="utf-8", newline="") as rows:
        return [
            Case(
                table.parent / row["file"], row["label"], row["target"], row["input_range"].replace("..", ",")
            )
            for row in csv.DictReader(rows)
        ]


def _example(entry: dict[str, object], folder: Path) -> Case:
    label = "clean" if entry["attack"] == "none" else str(entry["attack"])
    target = "" if entry["target_label"] is None else str(entry["target_label"])
    return Case(folder / str(entry["file"]), label, target, "0,1")


def scan(case: Case, *options: str) -> dict[str, object]:
    """Return the JSON report's entry of one model."""
    span = [] if case.span == "unknown" else [f"--input-range={case.span}"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "gate", "check", str(case.file), "-q", f"--output=json={report}"]
        subprocess.run([*command, *span, *options], check=False, capture_output=True)
        entry: dict[str, object] = json.loads(report.read_text(encoding="utf-8"))["artifacts"][0]
    return entry


def row(case: Case, entry: dict[str, object]) -> str:
    """Return one line of the table."""
    measured = [item for item in entry["evidence"] if item["detector"] == "neural-cleanse"]  # type: ignore[attr-defined]
    paper = measured[0]["paper_statistic"] if measured else None
    label = measured[0]["target_labels"][0] if measured and measured[0]["target_labels"] else "-"
    truth = f"{case.label} -> {case.target}" if case.target else case.label
    cells = (case.file.name, truth, entry["verdict"], _number(entry["anomaly_index"]), _number(paper), label)
    return "| " + " | ".join(map(str, cells)) + f" | {entry['seconds']:.1f} |"


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-"


def main(words: Sequence[str]) -> None:
    """Scan all cases and print a Markdown table, line by line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks verdicts", description=__doc__)
    parser.add_argument("truth", nargs="?", type=Path, default=_EXAMPLES, metavar="TRUTH")
    arguments = parser.parse_args(words)
    print(_HEADER, flush=True)
    for case in read_truth(arguments.truth):
        print(row(case, scan(case)), flush=True)
