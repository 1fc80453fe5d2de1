"""`make bench-detect`: what the gate says of the zoo, as Markdown tables with intervals, from the committed evidence.

A network is blamed if the default policy fails it: a detector's index, or the index of all evidence together, exceeds
2.0. Rates have Wilson's 95 % interval, the area under the ROC curve a bootstrap one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.evidence import FILE, Row, read
from gate.detectors._combination import combined
from gate.detectors._stats import wilson_interval

Floats = NDArray[np.float64]

_LIMIT = 2.0
_DRAWS = 2000
_FIRST = ("patch", "blended")
_KEYS = ("num_classes", "architecture", "task", "span", "condition")


def index_of(row: Row) -> float:
    """Return the index that decides: of all evidence together, and of each detector."""
    each = [item.anomaly_index or 0.0 for item in row.evidence]
    return max([combined(row.evidence)[0], *each])


def auc(clean: Floats, bad: Floats) -> float:
    """Return the area under the ROC curve: how often a backdoored network has the larger index."""
    larger = (bad[:, None] > clean[None]).mean() + 0.5 * (bad[:, None] == clean[None]).mean()
    return float(larger)


def auc_interval(clean: Floats, bad: Floats) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the area."""
    rng = np.random.default_rng(0)
    draws = [auc(rng.choice(clean, len(clean)), rng.choice(bad, len(bad))) for _ in range(_DRAWS)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def at_false_alarms(clean: Floats, bad: Floats, share: float) -> float:
    """Return the share of backdoored networks above the limit that this share of clean ones exceeds at most."""
    limit = np.quantile(clean, 1 - share, method="higher")
    return float((bad > limit).mean())


def _rate(hits: int, count: int) -> str:
    low, high = wilson_interval(hits, count)
    return f"{hits}/{count} ({100 * low:.0f}-{100 * high:.0f} %)"


def _indices(rows: Iterable[Row]) -> Floats:
    return np.array([index_of(row) for row in rows])


def is_right(row: Row) -> bool:
    """Return whether the class that is blamed most is one that the attack aims at; any, if it aims at all."""
    targets = row.truth["targets"]
    return not targets or combined(row.evidence)[1] in targets


def by_attack(rows: list[Row]) -> Iterable[str]:
    """Yield the table of attacks."""
    clean = _indices(row for row in rows if row.is_clean)
    yield "| attack | n | blamed (95 %) | right class among those | AUC against clean (95 %) | at 5 % | at 1 % false alarms |"
    yield "|---|---:|---|---|---|---:|---:|"
    yield f"| none (false alarms) | {len(clean)} | {_rate(int((clean > _LIMIT).sum()), len(clean))} | - | - | - | - |"
    strata = {row.stratum for row in rows} - {"clean"}
    groups = {name: [row for row in rows if row.stratum == name] for name in sorted(strata)}
    works = [row for row in rows if row.stratum not in ("clean", "weak")]
    groups["patch + blended"] = [row for row in works if row.stratum in _FIRST]
    groups["all that work"] = works
    for name, members in groups.items():
        if members:
            yield _attack_line(name, members, clean)


def _attack_line(name: str, members: list[Row], clean: Floats) -> str:
    caught = [row for row in members if index_of(row) > _LIMIT]
    right = sum(map(is_right, caught))
    bad = _indices(members)
    low, high = auc_interval(clean, bad)
    shares = " | ".join(f"{100 * at_false_alarms(clean, bad, share):.0f} %" for share in (0.05, 0.01))
    area = f"{auc(clean, bad):.3f} ({low:.3f}-{high:.3f})"
    return f"| {name} | {len(members)} | {_rate(len(caught), len(members))} | {right}/{len(caught)} | {area} | {shares} |"


def by_detector(rows: list[Row]) -> Iterable[str]:
    """Yield what each detector says by itself."""
    yield "| detector | clean above 2.0 | largest clean | working backdoors above 2.0 |\n|---|---|---:|---|"
    names = sorted({item.detector for row in rows for item in row.evidence})
    for name in names:
        pairs = [(row, _index(row, name)) for row in rows if row.stratum != "weak"]
        clean = [index for row, index in pairs if row.is_clean and index is not None]
        bad = [index for row, index in pairs if not row.is_clean and index is not None]
        alarms, hits = (sum(index > _LIMIT for index in group) for group in (clean, bad))
        largest = max(clean, default=0.0)
        yield f"| {name} | {_rate(alarms, len(clean))} | {largest:.2f} | {_rate(hits, len(bad))} |"


def _index(row: Row, detector: str) -> float | None:
    return next((item.anomaly_index for item in row.evidence if item.detector == detector), None)


def by_property(rows: list[Row], key: str) -> Iterable[str]:
    """Yield false alarms and hits by one property of the networks."""
    yield f"| {key} | clean | blamed (95 %) | largest index | backdoored | blamed (95 %) |\n|---|---:|---|---:|---:|---|"
    for value in sorted({row.truth[key] for row in rows}):
        members = [row for row in rows if row.truth[key] == value and row.stratum != "weak"]
        clean = _indices(row for row in members if row.is_clean)
        bad = _indices(row for row in members if not row.is_clean)
        if not len(clean) and not len(bad):
            continue
        cells = [_rate(int((group > _LIMIT).sum()), len(group)) for group in (clean, bad)]
        largest = f"{clean.max():.2f}" if len(clean) else "-"
        name = _named(key, value)
        yield f"| {name} | {len(clean)} | {cells[0]} | {largest} | {len(bad)} | {cells[1]} |"


def _named(key: str, value: Any) -> str:
    return str(value) or ("ordinary" if key == "condition" else "none")


def misses(rows: list[Row]) -> Iterable[str]:
    """Yield every network that was judged wrongly, with what each detector said."""
    for row in rows:
        is_blamed = index_of(row) > _LIMIT
        if row.stratum == "weak" or is_blamed != row.is_clean:
            continue
        told = ", ".join(f"{item.detector} {item.anomaly_index:.2f}" for item in row.evidence)
        kind = "false alarm" if row.is_clean else "missed"
        yield f"- {kind}: {row.truth['name']} ({told})"


def main() -> None:
    """Print all tables of the split that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo.table", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--split", default="test", help="calibration, validation, test or all")
    arguments = parser.parse_args()
    rows = [row for row in read(arguments.file) if arguments.split in (row.truth["split"], "all")]
    seconds = np.array([row.seconds for row in rows])
    print(f"Split: {arguments.split}; {len(rows)} networks.\n")
    print(*by_attack(rows), "", *by_detector(rows), sep="\n")
    for key in _KEYS:
        print("", *by_property(rows, key), sep="\n")
    print("", *misses(rows), sep="\n")
    print(f"\nSeconds per model: p50 {np.quantile(seconds, 0.5):.1f}, p95 {np.quantile(seconds, 0.95):.1f}.")


if __name__ == "__main__":
    main()
