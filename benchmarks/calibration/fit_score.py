"""Fit what joins the detectors to one score, on the calibration and validation splits.

The networks by other authors (`benchmarks.scans.public`) count with them: the limits are for such as well.

Three numbers: the lead that at most 1 % of clean networks exceed, with few classes and with more, by a tolerance limit of the leads'
square roots (the sample is too small to count a hundredth), and how steeply the probability rises around the limit, by
logistic regression with its middle held at the limit. Written to gate/detectors/scoring/score.json; the test split is not looked at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.evidence import Row, read
from benchmarks.results import DEVELOPMENT, PUBLIC
from gate.core.scale import LIMIT
from gate.detectors.scoring import combination

_FALSE_ALARMS, _CONFIDENCE = 0.01, 0.9
_SPLITS = ("calibration", "validation")
# Nobody is that sure after so few networks.
_STEEPEST, _FLATTEST = 2.5, 0.5


def has_few(row: Row) -> bool:
    """Return whether the network has few classes, as the gate counts them."""
    return int(row.truth["num_classes"]) <= combination.FEW


def leads(rows: Iterable[Row]) -> NDArray[np.float64]:
    """Return how far the leading class of each network leads, shape ``(n,)``."""
    return np.array([combination.lead(row.evidence)[0] for row in rows])


def lead_of_clean(rows: Iterable[Row]) -> float:
    """Return the lead that, with 90 % confidence, at most 1 % of clean networks exceed, their square roots being normal.

    Paper: Owen, Handbook of Statistical Tables, 1962, for one-sided tolerance limits by the noncentral t distribution.
    """
    from scipy.stats import nct

    roots = np.sqrt(np.maximum(leads(row for row in rows if row.is_clean), 0.0))
    size, tail = len(roots), NormalDist().inv_cdf(1 - _FALSE_ALARMS)
    factor = nct.ppf(_CONFIDENCE, size - 1, tail * np.sqrt(size)) / np.sqrt(size)
    return float((roots.mean() + factor * roots.std(ddof=1)) ** 2)


def steepness(indices: NDArray[np.float64], is_bad: NDArray[np.bool_]) -> float:
    """Return the slope of the logistic curve through one half at the limit that fits best, by Newton's method."""
    x, slope = indices - LIMIT, 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-slope * x))
        curvature = float((p * (1 - p) * x * x).sum()) + 1e-9
        slope = float(np.clip(slope + ((is_bad - p) * x).sum() / curvature, _FLATTEST, _STEEPEST))
    return slope


def fitted(file: Path = DEVELOPMENT) -> dict[str, float]:
    """Return the fitted numbers, as they are shipped.

    Args:
        file: Evidence, a line each.
    """
    rows = [row for row in read(file) if row.truth["split"] in _SPLITS and row.stratum != "weak"] + read(
        PUBLIC
    )
    few, many = [row for row in rows if has_few(row)], [row for row in rows if not has_few(row)]
    table: dict[str, float] = {
        "version": 2,
        "networks": len(rows),
        "lead_of_clean": round(lead_of_clean(many), 2),
        "lead_of_few": round(lead_of_clean(few), 2),
    }
    indices = np.array([combination.combined(row.evidence, table)[0] for row in rows])
    table["steepness"] = round(steepness(indices, np.array([not row.is_clean for row in rows])), 2)
    return table


def main(words: Sequence[str]) -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks calibrate score", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEVELOPMENT, help="evidence, a line each")
    table = fitted(parser.parse_args(words).file)
    combination.TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(table))
