"""What two engines say of the same networks, and what they cost: one row a network, and whether the difference is more than chance.

    python -m benchmarks report engines FILE.jsonl --truths OUT --old OLD --new NEW     make the rows, and print them
    python -m benchmarks report engines FILE.jsonl                                      print them

OLD and NEW hold what `scan` wrote in a checkout of each engine: NAME.scan.json and NAME.cost.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evaluation.metrics import Floats, auc, auc_interval, rate
from benchmarks.networks import truth
from benchmarks.scans.check import cost, entry

Row = dict[str, Any]
# A backdoor works if it turns so many of its victims.
_WORKS = 0.9
_DRAWS = 2000


def rows(truths: Path, old: Path, new: Path) -> Iterator[Row]:
    """Yield a row for each network that both engines scanned, in the order of their names."""
    for file in sorted(truths.glob("*.truth.json")):
        recipe, known = truth.read(file)
        scans = [folder / f"{recipe.name}.scan.json" for folder in (old, new)]
        if all(cost(scan).exists() for scan in scans):
            said = {name: _said(scan) for name, scan in zip(("old", "new"), scans, strict=True)}
            yield {
                "name": recipe.name,
                "attack": recipe.attack,
                "classes": known.num_classes,
                "success": known.success,
                "targets": list(known.targets),
                **said,
            }


def _said(scan: Path) -> Row:
    found = entry(scan)
    return {
        "verdict": found["verdict"],
        "index": found["anomaly_index"],
        "labels": found["target_labels"],
        "cpu_seconds": round(json.loads(cost(scan).read_text(encoding="utf-8"))["cpu_seconds"], 1),
    }


def table(found: Sequence[Row]) -> Iterator[str]:
    """Yield a Markdown table of all networks, and what it comes to."""
    yield "| network | attack | success | old | new | CPU seconds | times as fast |"
    yield "|---|---|---:|---|---|---:|---:|"
    for row in found:
        old, new = row["old"], row["new"]
        success = "-" if row["success"] is None else f"{row['success']:.2f}"
        yield (
            f"| {row['name']} | {row['attack'] or '-'} | {success} | {_told(old)} | {_told(new)} "
            f"| {old['cpu_seconds']:.0f} to {new['cpu_seconds']:.0f} | {_ratio(row):.1f} |"
        )
    yield ""
    yield from summary(found)


def summary(found: Sequence[Row]) -> Iterator[str]:
    """Yield what the rows come to: areas, verdicts, McNemar's test, cost."""
    clean = [row for row in found if not row["attack"]]
    works = [row for row in found if row["attack"] and (row["success"] or 0.0) >= _WORKS]
    yield f"{len(found)} networks: {len(clean)} clean, {len(works)} with a backdoor that works, {len(found) - len(clean) - len(works)} weak."
    yield ""
    yield "| engine | AUC (95 %) | caught | right class | clean blamed |"
    yield "|---|---|---|---|---|"
    for engine in ("old", "new"):
        good, bad = _indices(clean, engine), _indices(works, engine)
        low, high = auc_interval(good, bad)
        caught = [row for row in works if row[engine]["verdict"] == "fail"]
        named = [row for row in caught if row["targets"]]
        right = sum(row[engine]["labels"][:1] == [target] for row in named for target in row["targets"])
        alarms = sum(row[engine]["verdict"] == "fail" for row in clean)
        yield (
            f"| {engine} | {auc(good, bad):.2f} ({low:.2f}-{high:.2f}) | {rate(len(caught), len(works))} "
            f"| {rate(right, len(named))} | {rate(alarms, len(clean))} |"
        )
    low, high = _area_gained(clean, works)
    lost, won = _discordant([*clean, *works])
    yield ""
    yield f"AUC new - old: {low:.2f} to {high:.2f} (95 %, paired bootstrap)."
    yield f"Verdicts that only one engine has right: old {lost}, new {won}; McNemar's exact test: p = {_mcnemar(lost, won):.2f}."
    ratios = np.array([_ratio(row) for row in found])
    yield (
        f"CPU seconds, old / new: {_total(found, 'old') / _total(found, 'new'):.2f} in all; median {np.median(ratios):.2f}, "
        f"{ratios.min():.2f} to {ratios.max():.2f}; clean networks {_total(clean, 'old') / _total(clean, 'new'):.2f}."
    )


def _told(said: Row) -> str:
    label = "".join(f" ({label})" for label in said["labels"][:1])
    index = "-" if said["index"] is None else f"{said['index']:.2f}"
    return f"{said['verdict']} {index}{label}"


def _ratio(row: Row) -> float:
    return float(row["old"]["cpu_seconds"] / row["new"]["cpu_seconds"])


def _total(found: Sequence[Row], engine: str) -> float:
    return float(sum(row[engine]["cpu_seconds"] for row in found))


def _indices(found: Sequence[Row], engine: str) -> Floats:
    return np.array([row[engine]["index"] or 0.0 for row in found])


def _area_gained(clean: Sequence[Row], works: Sequence[Row]) -> tuple[float, float]:
    """Return the interval of what the area gains: both engines' indices of the same networks, drawn anew."""
    rng = np.random.default_rng(0)
    tables = [(_indices(clean, engine), _indices(works, engine)) for engine in ("old", "new")]
    gains = []
    for _ in range(_DRAWS):
        good, bad = (rng.integers(0, len(group), len(group)) for group in (clean, works))
        old, new = (auc(indices[good], others[bad]) for indices, others in tables)
        gains.append(new - old)
    low, high = np.quantile(gains, (0.025, 0.975))
    return float(low), float(high)


def _discordant(found: Sequence[Row]) -> tuple[int, int]:
    """Return how many verdicts only the old engine has right, and how many only the new one."""
    right = [
        [(row[engine]["verdict"] == "fail") == bool(row["attack"]) for engine in ("old", "new")]
        for row in found
    ]
    return sum(old and not new for old, new in right), sum(new and not old for old, new in right)


def _mcnemar(lost: int, won: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def main(words: Sequence[str]) -> None:
    """Make rows where folders are given, and print them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks report engines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--truths", type=Path, metavar="OUT", help="folder of networks and truths")
    parser.add_argument("--old", type=Path, help="folder of scans by the old engine")
    parser.add_argument("--new", type=Path, help="folder of scans by the new engine")
    arguments = parser.parse_args(words)
    folders = (arguments.truths, arguments.old, arguments.new)
    if any(folders):
        if not all(folders):
            parser.error("rows need --truths, --old and --new")
        lines = [json.dumps(row) + "\n" for row in rows(*folders)]
        arguments.file.write_text("".join(lines), encoding="utf-8")
    found = [json.loads(line) for line in arguments.file.read_text(encoding="utf-8").splitlines()]
    for line in table(found):
        print(line)
