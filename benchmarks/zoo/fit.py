"""`python -m benchmarks.zoo.fit [FILE]`: fit what joins the detectors to one score, on the calibration and validation splits.

Two numbers: the sum of indices of one class that 1 % of clean networks exceed, by a normal tail (the sample is too small to count a
hundredth), and how steeply the probability rises around the limit, by logistic regression with its middle held at the
limit. Written to gate/detectors/_score.json; the test split is not looked at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.evidence import FILE, Row, read
from gate.detectors import _combination

_FALSE_ALARMS = 0.01
_SPLITS = ("calibration", "validation")
# Nobody is that sure after so few networks.
_STEEPEST, _FLATTEST = 2.5, 0.5


def sum_of_clean(rows: Iterable[Row]) -> float:
    """Return the sum that 1 % of clean networks exceed if the logarithms of their sums are normal."""
    logs = np.log([max(_combination.largest_sum(row.evidence)[0], 0.1) for row in rows if row.is_clean])
    tail = NormalDist().inv_cdf(1 - _FALSE_ALARMS)
    return float(np.exp(logs.mean() + tail * logs.std(ddof=1)))


def steepness(indices: NDArray[np.float64], is_bad: NDArray[np.bool_]) -> float:
    """Return the slope of the logistic curve through one half at the limit that fits best, by Newton's method."""
    x, slope = indices - _combination.LIMIT, 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-slope * x))
        curvature = float((p * (1 - p) * x * x).sum()) + 1e-9
        slope = float(np.clip(slope + ((is_bad - p) * x).sum() / curvature, _FLATTEST, _STEEPEST))
    return slope


def main() -> None:
    """Fit and write."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    rows = [row for row in read(file) if row.truth["split"] in _SPLITS and row.stratum != "weak"]
    table = {"version": 1, "networks": len(rows), "sum_of_clean": round(sum_of_clean(rows), 2)}
    indices = np.array([_combination.combined(row.evidence, table["sum_of_clean"])[0] for row in rows])
    table["steepness"] = round(steepness(indices, np.array([not row.is_clean for row in rows])), 2)
    _combination.TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(table))


if __name__ == "__main__":
    main()
