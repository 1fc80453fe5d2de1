"""Every number that the gate is tuned with, beside what the committed evidence would give: which are fitted, and which are opinions.

Evidence determines few of them, and not as they were chosen: what stands there is the same quantity, read off the networks of
today. A dash is a number that no committed file speaks of.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.calibration import fit_score
from benchmarks.evaluation.evidence import Row, read
from benchmarks.results import DEVELOPMENT, PUBLIC, SURVEYS
from gate.core import scale
from gate.detectors import adding_up
from gate.detectors.scoring import calibration, combination
from gate.detectors.scoring.outliers import location_lead
from gate.detectors.shared.constants import constants, integer

_SCALES = {
    "patch-scale": "neural-cleanse",
    "local-scale": "universal-patch",
    "perturbation-scale": "universal-perturbation",
    "margin-scale": "maximum-margin",
    "head-scale": "head-weights",
}


def evidence() -> dict[str, str]:
    """Return what the committed evidence gives for each number that it determines, by name."""
    rows = read(DEVELOPMENT) + read(PUBLIC)
    clean = [row for row in rows if row.is_clean]
    found = {
        f"scoring.calibration.{name}.spread": _of(np.median, "median", _spreads(clean, detector))
        for name, detector in _SCALES.items()
    }
    found["scoring.calibration.usual-third"] = _of(
        lambda thirds: np.quantile(thirds, 0.8), "four in five", list(_thirds(clean))
    )
    found["scoring.calibration.excess-of-clean"] = _of(np.max, "largest", list(_excesses(clean)))
    # On one kind of images: what holds on two, as the gate asks for, is smaller.
    usual, others = _leads({row.truth["name"] for row in clean})
    found["scoring.calibration.usual-lead"] = _of(np.max, "largest", usual)
    found["scoring.calibration.lead-of-few-or-many"] = _of(np.max, "largest", others)
    return found


def _of(statistic: Callable[[Any], Any], words: str, values: Sequence[float]) -> str:
    return f"{float(statistic(np.array(values))):.2f} ({words} of {len(values)} clean)" if values else "-"


def _is_usual(row: Row) -> bool:
    return int(row.truth["num_classes"]) >= integer("scoring.calibration.few")


def _spreads(clean: Sequence[Row], detector: str) -> list[float]:
    """Return how much the classes of each network that has enough of them differ in size."""
    return [
        each.value
        for row in clean
        for item in row.evidence
        for each in item.measurements
        if item.detector == detector and each.name == "spread" and _is_usual(row)
    ]


def _thirds(clean: Sequence[Row]) -> Iterator[float]:
    """Yield the third largest index of a class, of each detector that compares classes and each network of ten."""
    for row in clean:
        for item in row.evidence:
            if item.detector in adding_up() and int(row.truth["num_classes"]) == calibration.FEW:
                yield sorted((*item.class_indices.values(), 0.0, 0.0, 0.0), reverse=True)[2]


def _excesses(clean: Sequence[Row]) -> Iterator[float]:
    """Yield by how much each network's classes agree with a permutation beyond what one class gives."""
    for row in clean:
        usual = 1 / int(row.truth["num_classes"])
        for item in row.evidence:
            for each in item.measurements:
                if each.name == "agreement":
                    yield (each.value - usual) / (1 - usual)


def _leads(clean: set[str]) -> tuple[list[float], list[float]]:
    """Return how far a class leads at one place in clean networks: of a medium number of classes, and of few or many."""
    usual: list[float] = []
    others: list[float] = []
    few, many = integer("scoring.calibration.few"), integer("scoring.calibration.many")
    fewest = integer("inversion.location-lead.fewest")
    with np.load(SURVEYS) as tables:
        for name in sorted(clean & set(tables)):
            classes = tables[name].shape[1]
            if classes >= fewest:
                lead, _ = location_lead(tables[name].astype(np.float64))
                (usual if few <= classes < many else others).append(lead)
    return usual, others


def table(found: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the table, and how many numbers there are of each kind.

    Args:
        found: What the evidence gives, by name.
    """
    yield "| name | value | unit | basis | from evidence |\n|---|---:|---|---|---|"
    for name, value in (("LIMIT", scale.LIMIT), ("LARGEST_INDEX", scale.LARGEST_INDEX)):
        yield f"| core.scale.{name} | {value} | index | by hand, 2026-11-21 | - |"
    refitted = fit_score.fitted()
    for name, value in combination.fitted().items():
        if name not in ("version", "networks"):
            basis = f"fitted: {combination.fitted()['networks']} networks, 2026-11-21"
            yield f"| score.json: {name} | {value} | index | {basis} | {refitted[name]} |"
    for entry in constants().values():
        yield f"| {entry.name} | {entry.value} | {entry.unit} | {entry.basis} | {found.get(entry.name, '-')} |"
    kinds = Counter(entry.basis.partition(",")[0].partition(":")[0] for entry in constants().values())
    yield f"\n{len(constants())} entries of the table: " + ", ".join(
        f"{count} {kind}" for kind, count in kinds.most_common()
    )


def main(words: Sequence[str]) -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m benchmarks calibrate table", description=__doc__).parse_args(
        words
    )
    print(*table(evidence()), sep="\n")
