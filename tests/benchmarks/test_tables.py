from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration import fit_score
from benchmarks.evaluation import evidence, judges, tables
from benchmarks.evaluation.evidence import Row
from gate.core.evidence import Evidence, Measurement, Status
from gate.detectors.scoring.combination import fitted

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


def measured(detector: str, index: float, label: int, paper: float | None = None) -> Evidence:
    return Evidence(
        detector=detector,
        rule="",
        status=Status.MEASURED,
        anomaly_index=index,
        paper_statistic=paper,
        target_labels=(label,),
        measurements=(Measurement(name="class_index", value=index, label=label),),
    )


def row(name: str, attack: str, *told: tuple[str, float, int], success: float = 1.0) -> Row:
    truth: dict[str, Any] = {"name": name, "attack": attack, "targets": [3] if attack else []}
    truth |= TRUTH | {"success": success if attack else None}
    items = tuple(measured(*each) for each in told)
    return Row(truth=truth, evidence=items, seconds=9.0)


CLEAN = [row(f"clean-{i}", "", ("neural-cleanse", 0.1 * i, i)) for i in range(10)]
CAUGHT = row("patch", "patch", ("neural-cleanse", 3.0, 3))
# Two of them are not enough.
THIRD = 0.4 * fitted()["lead_of_clean"]
JOINTLY = row(
    "blend",
    "blended",
    ("neural-cleanse", THIRD, 3),
    ("universal-perturbation", THIRD, 3),
    ("maximum-margin", THIRD, 3),
)
MISSED = row("warp", "warp", ("neural-cleanse", 0.2, 5))
WEAK = row("weak", "patch", ("neural-cleanse", 0.2, 5), success=0.5)


def test_a_network_is_blamed_by_one_detector_or_by_several_together() -> None:
    assert [True, True, False] == [judges.GATE.blames(each) for each in (CAUGHT, JOINTLY, MISSED)]
    assert [True, True, False] == [judges.GATE.is_right(each) for each in (CAUGHT, JOINTLY, MISSED)]


def test_attacks_have_a_line_each_and_weak_ones_their_own() -> None:
    lines = list(tables.by_attack([*CLEAN, CAUGHT, JOINTLY, MISSED, WEAK]))

    assert any(line.startswith("| none (false alarms) | 10 | 0/10") for line in lines)
    assert any(line.startswith("| weak (success below 90 %) | 1 | 0/1") for line in lines)
    assert any(line.startswith("| patch + blended | 2 | 2/2") for line in lines)
    assert any(line.startswith("| all that work | 3 | 2/3") for line in lines)


def test_the_right_class_is_asked_for_only_where_an_attack_aims_at_one() -> None:
    aimless = replace(CAUGHT, truth=CAUGHT.truth | {"attack": "all-to-all", "targets": []})

    told = [line for line in tables.by_attack([*CLEAN, CAUGHT, aimless]) if line.startswith("| all")]

    counts = [line.split(" | ")[0:4:3] for line in told]
    right = "1/1 (21-100 %)"
    assert [["| all-to-all", "-"], ["| all images to one class", right], ["| all that work", right]] == counts


def test_like_is_compared_with_like_and_limits_are_those_of_all() -> None:
    other = replace(CAUGHT, truth=CAUGHT.truth | {"num_classes": 43})

    _, _, ten, many = tables.by_property([*CLEAN, CAUGHT, MISSED, WEAK, other], "num_classes")

    assert ten.startswith("| 10 | 10 | 0/10 (0-28 %) | 2 | 1/2 (9-91 %) | 1/1 (21-100 %) | 0.62 (")
    assert many.endswith("| 0 | - | 1 | 1/1 (21-100 %) | 1/1 (21-100 %) | - | 1/1 | 1/1 |")


def test_awkward_clean_networks_have_a_line_each_with_those_that_are_not_cleared() -> None:
    loud = row("pruned", "", ("neural-cleanse", 2.5, 1))
    pruned = [replace(each, truth=each.truth | {"condition": "pruned"}) for each in (loud, CLEAN[0])]
    doubted = replace(CLEAN[1], verdict="incomplete")

    lines = list(tables.by_condition([*pruned, CLEAN[2], doubted, CAUGHT]))

    assert "| pruned | 2 | 1/2 (9-91 %) | - | 2.50 |" == lines[1]
    assert "| ordinary | 2 | 0/2 (0-66 %) | 1/1 | 0.20 |" == lines[-1]


def test_judges_are_compared_on_the_networks_that_they_were_measured_on() -> None:
    noisy = replace(CAUGHT, baselines=(measured("noise-inputs", 1.0, 4, paper=2.5),))
    rows = [
        *CLEAN,
        replace(CLEAN[0], baselines=(measured("noise-inputs", 0.5, 4, paper=2.6),)),
        noisy,
        MISSED,
    ]

    lines = list(tables.compare(rows, (judges.GATE, *judges.BASELINES)))

    ours, papers = (
        next(line for line in lines if name in line) for name in ("our index, s", "index, from n")
    )
    assert ours.startswith("| our index, searched from noise | 1 | 1 | 1.00 (1.00-1.00) | ")
    assert ours.endswith("| 1/1 | 1/1 | 2.0 | 0/1 (0-79 %) | 0/1 (0-79 %) | - |")
    assert papers.endswith("| 0/1 | 0/1 | 2.0 | 1/1 (21-100 %) | 1/1 (21-100 %) | 0/1 (0-79 %) |")
    assert not any("head" in line for line in lines)


def test_what_a_detector_adds_is_what_is_missed_without_it() -> None:
    left_out = {name: judges.without(name) for name in ("neural-cleanse", "maximum-margin")}

    assert [False, True] == [judge.blames(CAUGHT) for judge in left_out.values()]
    assert not any(judge.blames(JOINTLY) for judge in left_out.values())


def test_wrong_verdicts_are_named_but_weak_backdoors_are_not_wrong() -> None:
    told = list(tables.misses([*CLEAN, CAUGHT, MISSED, WEAK, replace(MISSED, verdict="incomplete")]))

    assert ["- missed: warp (neural-cleanse 0.20)", "- inconclusive: warp (neural-cleanse 0.20)"] == told


def test_seconds_of_computing_are_told_where_they_are_known() -> None:
    known = replace(CAUGHT, cpu_seconds=20.0, truth=CAUGHT.truth | {"num_classes": 43})

    assert [
        "| 10 | 1 | 9 | 9 | 0 | - | - |",
        "| 43 | 1 | 9 | 9 | 1 | 20 | 20 |",
        "| all | 2 | 9 | 9 | 1 | 20 | 20 |",
    ] == [*tables.seconds([MISSED, known])][1:]


def test_a_verdict_is_stable_if_other_seeds_give_it_too() -> None:
    steady = replace(CAUGHT, seeds={"0": "fail", "1": "fail", "2": "fail"})
    wavering = replace(MISSED, seeds={"0": "pass", "1": "fail", "2": "pass"})
    once = replace(WEAK, seeds={"0": "pass"})

    summary, exception = tables.stability([steady, wavering, once, *CLEAN])

    assert summary.startswith("2 networks, 6 runs, each network with 3 seeds or more: 5/6 (")
    assert summary.endswith("1 of 2 networks have one verdict throughout.")
    assert "- warp: 2 pass, 1 fail" == exception
    assert ["Not measured."] == list(tables.stability(CLEAN))


def test_every_table_can_be_made_of_any_networks() -> None:
    for rows in ([*CLEAN, CAUGHT], CLEAN, [MISSED, WEAK]):
        assert all(tables.sections(rows).values())


def test_evidence_survives_the_way_through_its_file(tmp_path: Path) -> None:
    truth = {"name": "n", "attack": "", "targets": [], "success": None} | TRUTH
    found = {
        "detector": "neural-cleanse",
        "status": "measured",
        "anomaly_index": 1.23456,
        "paper_statistic": 1.9999,
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
        "verdict": "pass",
    }
    rivals = {"head-mean": {"index": 3.6, "labels": [1]}}
    (tmp_path / "n.truth.json").write_text(json.dumps(truth))
    (tmp_path / "n.scan.json").write_text(json.dumps({"artifacts": [entry]}))
    (tmp_path / "n.rivals.json").write_text(json.dumps(rivals))
    (tmp_path / "n.cost.json").write_text(json.dumps({"cpu_seconds": 12.5}))
    (tmp_path / "n.seeds.json").write_text(json.dumps({"0": "pass"}))
    file = tmp_path / "evidence.jsonl"

    file.write_text("".join(json.dumps(record) + "\n" for record in evidence.collect(tmp_path)))

    (read,) = evidence.read(file)
    assert ("clean", True, 8.0) == (read.stratum, read.is_clean, read.seconds)
    assert ("pass", {"0": "pass"}, 12.5) == (read.verdict, read.seeds, read.cpu_seconds)
    assert [("neural-cleanse", 1.235, 2.0, (4,)), ("head-mean", 3.6, None, (1,))] == [
        (item.detector, item.anomaly_index, item.paper_statistic, item.target_labels)
        for item in (*read.evidence, *read.baselines)
    ]


def test_the_committed_evidence_can_be_read() -> None:
    assert len(evidence.read()) > 20


def test_the_lead_of_clean_networks_lies_above_nearly_all_of_them() -> None:
    assert fit_score.lead_of_clean(CLEAN) > max(fit_score.leads(CLEAN)) > 0


def test_the_curve_is_steeper_where_networks_are_told_apart() -> None:
    indices = np.array([0.0, 1.0, 1.9, 2.1, 3.0, 4.0])

    apart = fit_score.steepness(indices, indices > 2.0)
    mixed = fit_score.steepness(indices, np.array([False, True, False, True, False, True]))

    assert 0.5 <= mixed < apart <= 2.5
