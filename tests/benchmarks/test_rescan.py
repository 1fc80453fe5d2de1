from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.scans import rescan

LINE: dict[str, Any] = {
    "truth": {"name": "one", "num_classes": 10, "attack": "patch", "success": 1.0, "targets": [3]},
    "evidence": {
        "neural-cleanse": {"index": 0.5, "labels": [1]},
        "spatial-influence": {"index": 0.1, "labels": [1]},
        "class-permutation": {"index": 0.0, "labels": []},
    },
    "seconds": 9.0,
    "verdict": "pass",
}


def found(index: float | None) -> dict[str, Any]:
    status = "skipped" if index is None else "measured"
    return {"status": status, "anomaly_index": index, "target_labels": [3], "measurements": []}


def test_a_detector_takes_the_place_of_what_it_said_before() -> None:
    line = rescan.renewed(LINE, "spatial-influence", found(3.0))

    assert {"index": 3.0, "labels": [3]} == line["evidence"]["spatial-influence"]
    assert list(LINE["evidence"]) == list(line["evidence"])
    assert "fail" == line["verdict"]
    assert LINE["evidence"]["neural-cleanse"] == line["evidence"]["neural-cleanse"]


def test_a_new_detector_stands_where_the_policy_has_it() -> None:
    line = rescan.renewed(LINE, "universal-patch", found(1.0))

    assert ["neural-cleanse", "universal-patch", "spatial-influence", "class-permutation"] == list(
        line["evidence"]
    )
    assert "pass" == line["verdict"]


def test_what_is_skipped_now_leaves() -> None:
    assert "spatial-influence" not in rescan.renewed(LINE, "spatial-influence", found(None))["evidence"]


@pytest.mark.parametrize("verdict", ["incomplete", ""])
def test_an_incomplete_scan_stays_incomplete(verdict: str) -> None:
    line = rescan.renewed({**LINE, "verdict": verdict}, "spatial-influence", found(3.0))

    assert verdict == line["verdict"]


def test_the_policy_asks_one_detector_alone() -> None:
    detectors = json.loads(rescan.policy_of_one("head-weights"))["detectors"]

    assert ["head-weights"] == [name for name, settings in detectors.items() if settings["enabled"]]
