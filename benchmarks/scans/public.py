"""Scan networks by other authors and write what was measured, a line each; resumes.

The table is what `verdicts` takes. Reports are kept in OUT, so that a run that was stopped goes on; the networks
are not part of this repository, their measurements are: the limits of the joint index must hold for them, too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.evaluation.evidence import TRUTH, record
from benchmarks.results import PUBLIC
from benchmarks.scans.check import check, entry
from benchmarks.scans.verdicts import Case, read_truth

_ATTACKS = {"clean": "", "all-to-one": "patch", "all-to-all": "all-to-all"}


def measured(case: Case, folder: Path) -> dict[str, Any]:
    """Return a JSON report's entry of one network, scanned if that was not done yet."""
    report = folder / f"{case.file.name}.scan.json"
    if report.exists():
        return entry(report)
    return check(case.file, case.limits, report)


def line(case: Case, found: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence and what is true of it, as the lines of other networks are."""
    attack = _ATTACKS[case.label]
    truth = dict.fromkeys(TRUTH, "") | {
        "name": case.file.name,
        "split": "public",
        "num_classes": found["model"]["num_classes"],
        "attack": attack,
        "success": 1.0 if attack else None,
        "targets": [int(case.target)] if case.target.isdecimal() else [],
    }
    return record(truth, found)


def main(words: Sequence[str]) -> None:
    """Scan what is not there yet, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scan-public", description=__doc__)
    parser.add_argument(
        "table", type=Path, metavar="TABLE.csv", help="which networks, and what is true of them"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the reports")
    parser.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", default=PUBLIC, help="to write; %(default)s"
    )
    arguments = parser.parse_args(words)
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for case in (case for case in read_truth(arguments.table) if case.label in _ATTACKS):
        found = measured(case, arguments.out)
        print(case.file.name, found["verdict"], found["anomaly_index"], flush=True)
        if found["anomaly_index"] is not None:
            lines.append(json.dumps(line(case, found)) + "\n")
    arguments.file.write_text("".join(lines), encoding="utf-8")
