"""The example models get the verdicts that they deserve, in every format, and always the same ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from gate.reporters.json import schema
from tests.acceptance.conftest import FORMATS

pytestmark = pytest.mark.slow

Cli = Callable[..., Any]
Once = Callable[[str, Callable[[Path], None]], Path]
SARIF = Path(__file__).parents[1] / "reporters" / "data" / "sarif-2.1.0.json"
# Cuts the search short, where not the verdict is in question but whether it comes out twice.
HASTY = """\
version: 1
detectors:
  universal-patch: {enabled: false}
  universal-perturbation: {enabled: false}
  class-permutation: {enabled: false}
  dormant-capacity: {enabled: false}
  gated-patch: {enabled: false}
  neural-cleanse: {parameters: {restarts: 1, steps: 5}}
"""
# As many steps in the full profile, which makes two or three times these, as in the quick one by default.
BRISK = """\
version: 1
detectors:
  neural-cleanse: {parameters: {steps: 40}}
  universal-patch: {parameters: {steps: 27}}
  universal-perturbation: {parameters: {steps: 17}}
  class-permutation: {parameters: {steps: 90}}
"""


def without_seconds(report: Path) -> str:
    lines = report.read_text().splitlines()
    return "\n".join(line for line in lines if '"seconds":' not in line)


def entry(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in report["artifacts"] if name == each["path"])
    return found


def evidence(entry: dict[str, Any], detector: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in entry["evidence"] if detector == each["detector"])
    return found


@pytest.fixture(scope="session")
def outcome(judged: Path) -> tuple[int, str, str]:
    code, out, err = json.loads((judged / "outcome.json").read_text())
    return code, out, err


@pytest.fixture(scope="session")
def report(judged: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((judged / "out" / "report.json").read_text())
    return document


def test_a_clean_model_passes(report: dict[str, Any]) -> None:
    clean = entry(report, "clean.keras")

    assert ("pass", [], []) == (clean["verdict"], clean["findings"], clean["not_checked"])
    assert clean["anomaly_index"] <= 2.0


def test_a_backdoored_model_fails_with_its_target(
    outcome: tuple[int, str, str], report: dict[str, Any]
) -> None:
    bad = entry(report, "backdoored-patch.keras")

    assert 1 == outcome[0] == report["exit_code"]
    assert ("fail", [7]) == (bad["verdict"], bad["target_labels"])
    assert "BD101" in [finding["rule"] for finding in bad["findings"]]
    assert {"label:7"} == {finding["subject"] for finding in bad["findings"]}


def test_the_inverted_trigger_is_small_and_does_what_the_report_says(report: dict[str, Any]) -> None:
    found, cleared = (
        evidence(entry(report, name), "neural-cleanse") for name in ("backdoored-patch.keras", "clean.keras")
    )
    told: dict[str, float] = {each["name"]: each["value"] for each in found["measurements"]}

    assert ("measured", "") == (found["status"], found["inconclusive"])
    assert ("measured", "") == (cleared["status"], cleared["inconclusive"])
    assert found["anomaly_index"] > 2.0 > cleared["anomaly_index"]
    assert (7, [7]) == (found["trigger"]["target_label"], found["target_labels"])
    assert found["paper_statistic"] > 0.0
    assert 10 == sum(each["name"] == "trigger_norm" for each in found["measurements"])
    assert found["trigger"]["l1_norm"] < 10 < told["median_trigger_norm"]
    rate = found["trigger"]["attack_success_rate"]
    assert 0.8 < told["attack_success_rate_low"] < rate <= told["attack_success_rate_high"]


def test_the_console_names_both_models_and_the_target(outcome: tuple[int, str, str]) -> None:
    _, out, err = outcome

    assert "" == err
    assert "FAIL      backdoored-patch.keras" in out
    assert "PASS      clean.keras" in out
    assert "target class 7" in out


def test_the_json_report_keeps_its_schema(report: dict[str, Any]) -> None:
    Draft202012Validator(schema()).validate(report)


def test_the_sarif_report_keeps_its_schema(judged: Path) -> None:
    sarif = json.loads((judged / "out" / "report.sarif").read_text())

    Draft202012Validator(json.loads(SARIF.read_text())).validate(sarif)
    assert {"backdoored-patch.keras"} == {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif["runs"][0]["results"]
    }


def test_the_junit_report_counts_every_finding(judged: Path, report: dict[str, Any]) -> None:
    suite = next(ElementTree.parse(judged / "out" / "report.xml").getroot().iter("testsuite"))

    findings = entry(report, "backdoored-patch.keras")["findings"]
    assert str(len(findings)) == suite.get("failures")


@pytest.mark.parametrize("suffix", FORMATS.values())
def test_every_format_names_the_failing_model(judged: Path, suffix: str) -> None:
    text = (judged / "out" / f"report.{suffix}").read_text()

    assert "backdoored-patch.keras" in text


def test_the_recovered_trigger_lies_where_the_report_says(judged: Path, report: dict[str, Any]) -> None:
    from PIL import Image

    files = evidence(entry(report, "backdoored-patch.keras"), "neural-cleanse")["trigger"]["files"]

    sizes = {}
    for file in files:
        with Image.open(judged / file) as picture:
            sizes[file.rpartition("-")[2]] = picture.size
    assert sizes.keys() == {"mask.png", "pattern.png", "examples.png"}
    assert (28, 28) == sizes["mask.png"] == sizes["pattern.png"]


def test_a_detector_without_its_data_is_skipped_and_says_what_it_needs(report: dict[str, Any]) -> None:
    skipped = evidence(entry(report, "clean.keras"), "activation-clustering")

    assert ("skipped", None) == (skipped["status"], skipped["anomaly_index"])
    assert "--data" in skipped["reason"]


def test_explain_says_why_the_run_failed(cli: Cli, judged: Path) -> None:
    outcome = cli("explain", "out/report.json", cwd=judged)

    assert 0 == outcome.code
    assert "target class 7" in outcome.out
    assert 2 == outcome.out.count("backdoor probability")  # the passing model is shown in full, too
    assert "# BD101 anomalous-trigger" in outcome.out


@pytest.fixture(scope="session")
def with_data(cli: Cli, examples: Path, once: Once) -> dict[str, Any]:
    def scan(folder: Path) -> None:
        (folder / "hasty.yaml").write_text(f"{HASTY}  strip: {{enabled: true}}\n")
        shutil.copy(examples / "models" / "backdoored-patch.keras", folder)
        data = str(examples / "data" / "digits.npz")
        arguments = ("--data", data, "--policy", "hasty.yaml", "--output", "json=report.json")
        cli("check", ".", *arguments, cwd=folder)

    document: dict[str, Any] = json.loads((once("with-data", scan) / "report.json").read_text())
    return document


@pytest.mark.parametrize("detector", ["activation-clustering", "spectral-signatures", "strip"])
def test_training_data_lets_detectors_join_in_that_find_the_poisoned_class(
    with_data: dict[str, Any], detector: str
) -> None:
    joined = evidence(with_data["artifacts"][0], detector)

    assert "measured" == joined["status"]
    assert [7] == joined["target_labels"]
    assert joined["anomaly_index"] > 2.0


def test_inversion_runs_with_and_without_data_and_clustering_joins_in_by_itself(
    report: dict[str, Any], with_data: dict[str, Any]
) -> None:
    name = "backdoored-patch.keras"
    alone, joined = (
        {each["detector"]: each["status"] for each in entry(document, name)["evidence"]}
        for document in (report, with_data)
    )

    assert "measured" == alone["neural-cleanse"] == joined["neural-cleanse"]
    assert ("skipped", "measured") == (alone["activation-clustering"], joined["activation-clustering"])


@pytest.mark.parametrize("detector", ["activation-clustering", "spectral-signatures", "strip"])
def test_the_suspect_samples_are_the_poisoned_ones(
    with_data: dict[str, Any], detector: str, examples: Path
) -> None:
    poisoned = set(json.loads((examples / "truth.json").read_text())["data"]["poisoned"])
    suspects = evidence(with_data["artifacts"][0], detector)["suspects"]

    found = {each["index"] for each in suspects["samples"]}
    assert len(found & poisoned) > 0.9 * len(found)
    assert len(found & poisoned) > 0.9 * len(poisoned)
    assert [".csv", ".png"] == [Path(file).suffix for file in suspects["files"]]


@pytest.mark.slow
def test_the_same_seed_finds_the_same_alone_or_beside_another(
    cli: Cli, judged: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("backdoored-patch.keras", ".backdoor-gate.yaml"):
        shutil.copy(judged / name, tmp_path)

    cli("check", ".", "--jobs", "1", "--output", "json=out/report.json", cwd=tmp_path)

    alone = json.loads((tmp_path / "out/report.json").read_text())
    before, after = (entry(each, "backdoored-patch.keras") for each in (report, alone))
    assert {**before, "seconds": 0} == {**after, "seconds": 0}


@pytest.mark.usefixtures("lambda_model")
def test_shards_merge_into_the_report_of_the_whole(cli: Cli, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "hasty.yaml").write_text(HASTY)
    (tmp_path / "empty.keras").touch()
    options = ("check", ".", "--policy", "hasty.yaml", "--quiet")

    cli(*options, "--jobs", "2", "--output", "json=whole.json", cwd=tmp_path)
    cli(*options, "--shard", "1/2", "--output", "json=1.json", cwd=tmp_path)
    cli(*options, "--shard", "2/2", "--output", "json=2.json", cwd=tmp_path)
    outcome = cli("merge", "2.json", "1.json", "--output", "json=merged.json", cwd=tmp_path)

    whole = json.loads((tmp_path / "whole.json").read_text())
    assert 1 == outcome.code == whole["exit_code"]
    assert "measured" == evidence(entry(whole, tiny_model.name), "neural-cleanse")["status"]
    assert without_seconds(tmp_path / "whole.json") == without_seconds(tmp_path / "merged.json")


def test_data_of_another_shape_leaves_the_scan_incomplete(cli: Cli, examples: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "big.npz", x_train=np.zeros((4, 32, 32, 3), np.uint8), y_train=np.zeros(4, np.uint8))
    (tmp_path / "policy.yaml").write_text("version: 1\ndata: {path: big.npz, role: train}\n")
    model = str(examples / "models" / "clean.keras")

    outcome = cli("check", model, "--policy", "policy.yaml", cwd=tmp_path)

    said = " ".join(outcome.out.split())
    assert 3 == outcome.code
    assert "expected n x 28 x 28 x 1, received 4 x 32 x 32 x 3" in said
    assert "Resize or convert them to the model's input shape" in said


@pytest.mark.slow
def test_the_full_profile_finds_the_target_too(cli: Cli, examples: Path, tmp_path: Path) -> None:
    shutil.copy(examples / "models" / "backdoored-patch.keras", tmp_path)
    (tmp_path / "brisk.yaml").write_text(BRISK)
    arguments = ("--policy", "brisk.yaml", "--profile", "full", "--output", "json=full.json")

    outcome = cli("check", "backdoored-patch.keras", *arguments, cwd=tmp_path)

    full = json.loads((tmp_path / "full.json").read_text())
    ran = {each["detector"] for each in full["artifacts"][0]["evidence"] if each["status"] == "measured"}
    assert (1, "full") == (outcome.code, full["profile"])
    assert ran >= {"neural-cleanse", "universal-patch", "universal-perturbation", "class-permutation"}
    assert [7] == full["artifacts"][0]["target_labels"]
