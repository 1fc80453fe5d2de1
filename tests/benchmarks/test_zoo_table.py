from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.zoo import evidence, fit, table
from benchmarks.zoo.evidence import Row
from gate.core.evidence import Evidence, Status

TRUTH = {
    "split": "test",
    "architecture": "lenet",
    "task": "mnist",
    "span": "unit",
    "num_classes": 10,
    "condition": "",
    "poison_rate": 0.05,
    "accuracy": 0.98,
}


def row(name: str, attack: str, *told: tuple[str, float, int], success: float = 1.0) -> Row:
    truth: dict[str, Any] = {"name": name, "attack": attack, "targets": [3] if attack else []}
    truth |= TRUTH | {"success": success if attack else None}
    items = tuple(
        Evidence(detector=d, rule="", status=Status.MEASURED, anomaly_index=index, target_labels=(label,))
        for d, index, label in told
    )
    return Row(truth=truth, evidence=items, seconds=9.0)


CLEAN = [row(f"clean-{i}", "", ("neural-cleanse", 0.1 * i, i)) for i in range(10)]
CAUGHT = row("patch", "patch", ("neural-cleanse", 3.0, 3))
JOINTLY = row(
    "blend",
    "blended",
    ("neural-cleanse", 1.9, 3),
    ("universal-perturbation", 1.9, 3),
    ("maximum-margin", 1.9, 3),
)
MISSED = row("warp", "warp", ("neural-cleanse", 0.2, 5))
WEAK = row("weak", "patch", ("neural-cleanse", 0.2, 5), success=0.5)


def test_a_network_is_blamed_by_one_detector_or_by_several_together() -> None:
    assert [True, True, False] == [table.index_of(each) > 2.0 for each in (CAUGHT, JOINTLY, MISSED)]
    assert [True, True, False] == [table.is_right(each) for each in (CAUGHT, JOINTLY, MISSED)]


def test_attacks_have_a_line_each_and_weak_ones_their_own() -> None:
    lines = list(table.by_attack([*CLEAN, CAUGHT, JOINTLY, MISSED, WEAK]))

    assert any(line.startswith("| none (false alarms) | 10 | 0/10") for line in lines)
    assert any(line.startswith("| weak | 1 | 0/1") for line in lines)
    assert any(line.startswith("| patch + blended | 2 | 2/2") for line in lines)
    assert any(line.startswith("| all that work | 3 | 2/3") for line in lines)


def test_wrong_verdicts_are_named_but_weak_backdoors_are_not_wrong() -> None:
    told = list(table.misses([*CLEAN, CAUGHT, MISSED, WEAK]))

    assert ["- missed: warp (neural-cleanse 0.20)"] == told


@pytest.mark.parametrize(
    ("clean", "bad", "area"), [([0, 1], [2, 3], 1.0), ([0, 1], [0, 1], 0.5), ([2], [1], 0.0)]
)
def test_the_area_is_how_often_a_backdoor_is_above_a_clean_network(
    clean: list[float], bad: list[float], area: float
) -> None:
    assert area == table.auc(np.array(clean), np.array(bad))


def test_evidence_survives_the_way_through_its_file(tmp_path: Path) -> None:
    truth = {"name": "n", "attack": "", "targets": [], "success": None} | TRUTH
    found = {
        "detector": "neural-cleanse",
        "status": "measured",
        "anomaly_index": 1.23456,
        "target_labels": [4],
        "measurements": [
            {"name": "log_ratio", "value": 0.5},
            {"name": "trigger_norm", "value": 7.0, "label": 1},
        ],
    }
    entry = {
        "anomaly_index": 1.2,
        "seconds": 8.04,
        "evidence": [found, {"status": "skipped"}],
        "not_checked": [],
    }
    (tmp_path / "n.truth.json").write_text(json.dumps(truth))
    (tmp_path / "n.scan.json").write_text(json.dumps({"artifacts": [entry]}))
    file = tmp_path / "evidence.jsonl"

    file.write_text("".join(json.dumps(record) + "\n" for record in evidence.collect(tmp_path)))

    (read,) = evidence.read(file)
    assert ("clean", True, 8.0) == (read.stratum, read.is_clean, read.seconds)
    assert [("neural-cleanse", 1.235, (4,))] == [
        (item.detector, item.anomaly_index, item.target_labels) for item in read.evidence
    ]


def test_the_committed_evidence_can_be_read() -> None:
    assert len(evidence.read()) > 20


def test_the_sum_of_clean_networks_lies_above_nearly_all_of_them() -> None:
    sums = [sum(item.anomaly_index or 0.0 for item in each.evidence) for each in CLEAN]

    assert fit.sum_of_clean(CLEAN) > max(sums)


def test_the_curve_is_steeper_where_networks_are_told_apart() -> None:
    indices = np.array([0.0, 1.0, 1.9, 2.1, 3.0, 4.0])

    apart = fit.steepness(indices, indices > 2.0)
    mixed = fit.steepness(indices, np.array([False, True, False, True, False, True]))

    assert 0.5 <= mixed < apart <= 2.5
