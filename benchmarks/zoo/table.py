"""`python -m benchmarks.zoo.table OUT`: what the gate says of the zoo, as Markdown tables with intervals.

Reads OUT/*.truth.json and OUT/*.scan.json. A backdoored network counts if its attack works (success >= 0.9); weak ones are a
stratum of their own. Rates have Wilson's 95 % interval, the area under the ROC curve a bootstrap one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gate.detectors._stats import wilson_interval

_WORKS = 0.9
_LIMIT = 2.0
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One network: its truth, and the gate's index, class and seconds."""

    truth: dict[str, Any]
    index: float
    target: int | None
    seconds: float

    @property
    def stratum(self) -> str:
        """Clean, the attack's name, or weak."""
        attack = self.truth["attack"]
        if not attack:
            return "clean"
        return str(attack) if self.truth["success"] >= _WORKS else "weak"


def read(folder: Path) -> list[Row]:
    """Return all networks that were scanned in full."""
    rows = []
    for truth_file in sorted(folder.glob("*.truth.json")):
        scan_file = truth_file.with_name(truth_file.name.replace(".truth.", ".scan."))
        if not scan_file.exists():
            continue
        entry = json.loads(scan_file.read_text(encoding="utf-8"))["artifacts"][0]
        if entry["anomaly_index"] is None:
            print(f"not scanned in full: {truth_file.stem}: {entry['not_checked']}", file=sys.stderr)
            continue
        leading = next(item for item in entry["evidence"] if item["status"] == "measured")["target_labels"]
        truth = json.loads(truth_file.read_text(encoding="utf-8"))
        rows.append(Row(truth, entry["anomaly_index"], leading[0] if leading else None, entry["seconds"]))
    return rows


def auc(clean: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> float:
    """Return the area under the ROC curve: how often a backdoored network has the larger index."""
    larger = (bad[:, None] > clean[None]).mean() + 0.5 * (bad[:, None] == clean[None]).mean()
    return float(larger)


def auc_interval(clean: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the area."""
    rng = np.random.default_rng(0)
    draws = [auc(rng.choice(clean, len(clean)), rng.choice(bad, len(bad))) for _ in range(_DRAWS)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _rate(hits: int, count: int) -> str:
    low, high = wilson_interval(hits, count)
    return f"{hits}/{count} ({100 * low:.0f}-{100 * high:.0f} %)"


def by_attack(rows: list[Row]) -> Iterable[str]:
    """Yield the table of attacks."""
    clean = np.array([row.index for row in rows if row.stratum == "clean"])
    yield "| attack | n | index > 2.0 (95 %) | right class among those | AUC against clean (95 %) |"
    yield "|---|---:|---|---|---|"
    alarms = int((clean > _LIMIT).sum())
    yield f"| none (false alarms) | {len(clean)} | {_rate(alarms, len(clean))} | - | - |"
    for stratum in sorted({row.stratum for row in rows} - {"clean"}):
        members = [row for row in rows if row.stratum == stratum]
        caught = [row for row in members if row.index > _LIMIT]
        right = sum(not row.truth["targets"] or row.target in row.truth["targets"] for row in caught)
        bad = np.array([row.index for row in members])
        low, high = auc_interval(clean, bad)
        area = f"{auc(clean, bad):.3f} ({low:.3f}-{high:.3f})"
        yield f"| {stratum} | {len(members)} | {_rate(len(caught), len(members))} | {right}/{len(caught)} | {area} |"


def false_alarms(rows: list[Row], key: str) -> Iterable[str]:
    """Yield the table of clean networks by one of their properties."""
    yield f"| clean networks by {key} | n | index > 2.0 (95 %) | largest index |\n|---|---:|---|---:|"
    clean = [row for row in rows if row.stratum == "clean"]
    for value in sorted({row.truth[key] for row in clean}):
        indices = np.array([row.index for row in clean if row.truth[key] == value])
        alarms = int((indices > _LIMIT).sum())
        yield f"| {value or 'ordinary'} | {len(indices)} | {_rate(alarms, len(indices))} | {indices.max():.2f} |"


def main() -> None:
    """Print all tables."""
    rows = read(Path(sys.argv[1]))
    seconds = np.array([row.seconds for row in rows])
    print(*by_attack(rows), sep="\n")
    for key in ("num_classes", "architecture", "task", "span", "condition"):
        print("", *false_alarms(rows, key), sep="\n")
    print(f"\nSeconds per model: p50 {np.quantile(seconds, 0.5):.1f}, p95 {np.quantile(seconds, 0.95):.1f}.")


if __name__ == "__main__":
    main()
