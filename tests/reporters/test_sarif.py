"""SARIF is valid, closes old alerts, and never makes GitHub hash a model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gate.core.finding import Finding
from gate.core.report import ScanReport
from gate.core.rule import Confidence, Rule, Severity
from gate.reporters import sarif

Rules = tuple[Rule, ...]
SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0.json").read_text("utf-8"))


def run_in(report: ScanReport, rules: Rules) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(sarif.render(report, rules))["runs"][0]
    return run


def keys_and_values(node: object) -> list[tuple[str, object]]:
    if isinstance(node, dict):
        return [pair for key, child in node.items() for pair in [(key, child), *keys_and_values(child)]]
    if isinstance(node, list):
        return [pair for child in node for pair in [("", child), *keys_and_values(child)]]
    return []


def test_every_report_is_valid_by_the_official_schema(sample: ScanReport, rules: Rules) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(sarif.render(sample, rules)))


def test_nothing_is_null_and_no_model_has_a_region(sample: ScanReport, rules: Rules) -> None:
    pairs = keys_and_values(json.loads(sarif.render(sample, rules)))

    assert not [key for key, value in pairs if value is None]
    assert not {"region", "automationDetails"} & {key for key, _ in pairs}


def test_a_clean_run_has_results_and_none_in_them(reports: dict[str, ScanReport], rules: Rules) -> None:
    run = run_in(reports["pass"], rules)

    assert [] == run["results"]
    assert run["invocations"][0]["executionSuccessful"] is True


def test_every_rule_keeps_the_limits_of_code_scanning(sample: ScanReport, rules: Rules) -> None:
    long = replace(rules[0], summary="x" * 5000, cwe=tuple(range(1, 40)))
    for rule in run_in(sample, (*rules, long))["tool"]["driver"]["rules"]:
        assert isinstance(rule["properties"]["security-severity"], str)
        assert 0.0 < float(rule["properties"]["security-severity"]) <= 10.0
        assert len(rule["properties"]["tags"]) <= 10
        assert max(len(rule[key]["text"]) for key in ("shortDescription", "fullDescription")) <= 1024
        assert rule["help"]["markdown"]
        assert "`" not in rule["help"]["text"]


def test_relationships_point_at_the_taxa(reports: dict[str, ScanReport], rules: Rules) -> None:
    run = run_in(reports["fail"], rules)
    targets = [edge["target"] for edge in run["tool"]["driver"]["rules"][0]["relationships"]]

    assert ["CWE-506", "CWE-1357", "AML.T0018", "AML.T0020"] == [target["id"] for target in targets]
    for target in targets:
        taxonomy = run["taxonomies"][target["toolComponent"]["index"]]
        assert target["id"] in {taxon["id"] for taxon in taxonomy["taxa"]}


def test_a_taxonomy_that_no_rule_names_is_left_out(reports: dict[str, ScanReport], rules: Rules) -> None:
    only_cwe = run_in(reports["fail"], rules[1:2])["taxonomies"]

    assert ["CWE"] == [taxonomy["name"] for taxonomy in only_cwe]


def test_a_finding_carries_its_numbers(reports: dict[str, ScanReport], rules: Rules) -> None:
    (result,) = run_in(reports["fail"], rules)["results"]

    assert ("BD101", 0, "error") == (result["ruleId"], result["ruleIndex"], result["level"])
    assert 7.41235 == result["properties"]["detectorAnomalyIndex"]
    assert 148.0 == result["properties"]["triggerL1Norm"]
    assert "class 33" == result["locations"][0]["logicalLocations"][0]["name"]
    assert "99.7 % of the other images" in result["message"]["text"]


def test_a_finding_without_a_trigger_has_no_trigger_numbers(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["fail"].artifacts[0]
    finding = replace(entry.findings[0], detector="head-statistics", remedy="")
    (result,) = run_in(run(replace(entry, findings=(finding,))), rules)["results"]

    assert 3.2 == result["properties"]["detectorAnomalyIndex"]
    assert not {"paperStatistic", "triggerL1Norm"} & set(result["properties"])


def test_fingerprints_outlive_a_retraining_but_not_the_second_one(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["fail"].artifacts[0]
    retrained = replace(entry, artifact=replace(entry.artifact, sha256="ef" * 32))
    before, after = (
        run_in(run(version), rules)["results"][0]["partialFingerprints"] for version in (entry, retrained)
    )

    assert before["primaryLocationLineHash"] == after["primaryLocationLineHash"]
    assert before["modelDigestHash/v1"] != after["modelDigestHash/v1"]


def test_equal_problems_in_one_file_get_different_fingerprints(
    reports: dict[str, ScanReport], rules: Rules
) -> None:
    results = run_in(reports["hostile"], rules)["results"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    assert len(hashes) == len(set(hashes))
    assert [":1", ":2"] == [text[-2:] for text in hashes if text.startswith(hashes[-1][:16])]


def test_incomplete_models_are_alerts_and_an_unsuccessful_execution(
    reports: dict[str, ScanReport], rules: Rules
) -> None:
    run = run_in(reports["incomplete"], rules)
    (invocation,) = run["invocations"]

    assert [("BD002", "error"), ("BD004", "error")] == sorted(
        (r["ruleId"], r["level"]) for r in run["results"]
    )
    assert (False, 3) == (invocation["executionSuccessful"], invocation["exitCode"])
    assert 2 == len(invocation["toolExecutionNotifications"])


def test_waived_and_tolerated_are_notes(reports: dict[str, ScanReport], rules: Rules) -> None:
    run = run_in(reports["waived"], rules)
    suppressed = {result["ruleId"]: "suppressions" in result for result in run["results"]}

    assert {"note"} == {result["level"] for result in run["results"]}
    assert {"BD101": True, "BD004": False} == suppressed
    assert run["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize(
    ("path", "uri", "is_in_repository"),
    [
        ("./models//a b#1.h5", "models/a%20b%231.h5", True),
        ("modèles/ü.h5", "mod%C3%A8les/%C3%BC.h5", True),
        ("caf\udce9.h5", "caf%E9.h5", True),
        ("half\ud83d.h5", "half%ED%A0%BD.h5", True),
        ("C:evil.h5", "C%3Aevil.h5", True),
        ("/tmp/x.h5", "file:///tmp/x.h5", False),
    ],
)
def test_paths_become_uris(
    path: str,
    uri: str,
    is_in_repository: bool,
    reports: dict[str, ScanReport],
    rules: Rules,
    run: Callable[..., ScanReport],
) -> None:
    entry = reports["fail"].artifacts[0]
    moved = run(replace(entry, artifact=replace(entry.artifact, path=path)))
    location = run_in(moved, rules)["artifacts"][0]["location"]

    assert (uri, is_in_repository) == (location["uri"], "uriBaseId" in location)


def test_a_link_in_a_layer_name_is_taken_apart(reports: dict[str, ScanReport], rules: Rules) -> None:
    texts = [result["message"]["text"] for result in run_in(reports["hostile"], rules)["results"]]

    assert not [text for text in texts if "](" in text]


@pytest.mark.slow
def test_more_results_than_github_takes_are_cut_and_said(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    finding = Finding(rule="BD201", severity=Severity.LOW, confidence=Confidence.LOW, message="x")
    worst = replace(finding, severity=Severity.CRITICAL, message="worst")
    entry = replace(reports["fail"].artifacts[0], evidence=(), findings=(*[finding] * 25_001, worst))
    document = run_in(run(entry), rules)

    assert 25_000 == len(document["results"])
    assert "worst" == document["results"][0]["message"]["text"]
    notification = document["invocations"][0]["toolExecutionNotifications"][-1]
    assert "2 results are left out; the JSON report has them all." == notification["message"]["text"]


def multitool() -> str | None:
    named = os.environ.get("SARIF_MULTITOOL")
    installed = Path("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")
    return named or shutil.which(str(installed.resolve()))


@pytest.mark.slow
@pytest.mark.skipif(
    multitool() is None, reason="set SARIF_MULTITOOL, or npm install @microsoft/sarif-multitool-linux"
)
def test_microsofts_validator_finds_nothing_but_the_missing_region(
    sample: ScanReport, rules: Rules, tmp_path: Path
) -> None:
    (tmp_path / "report.sarif").write_text(sarif.render(sample, rules), "utf-8")
    command = [multitool() or "", "validate", "report.sarif", "--rule-kind", "Gh;Sarif"]
    command += ["--level", "Error;Warning", "-o", "out.sarif", "--log", "ForceOverwrite"]

    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    # It exits 0 even with errors, so its own report is what counts.
    verdict = json.loads((tmp_path / "out.sarif").read_text("utf-8-sig"))
    assert set() == {result["ruleId"] for result in verdict["runs"][0]["results"]} - {"SARIF2017"}
