"""GitLab's Code Quality report holds to GitLab's documented format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gate.core.artifact import Artifact
from gate.core.report import ArtifactReport, ScanReport
from gate.core.rule import Rule
from gate.reporters import gitlab

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format, as a schema.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "not": {"pattern": "^\\./"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}

Issues = list[dict[str, Any]]


@pytest.fixture
def issues(rules: tuple[Rule, ...]) -> Callable[[ScanReport], Issues]:
    def read(report: ScanReport) -> Issues:
        found: Issues = json.loads(gitlab.render(report, rules))
        return found

    return read


def test_every_report_has_the_documented_shape(
    sample: ScanReport, issues: Callable[[ScanReport], Issues]
) -> None:
    Draft202012Validator(SCHEMA).validate(issues(sample))


@pytest.mark.parametrize("kind", ["empty", "pass"])
def test_a_run_without_a_finding_is_an_empty_array(
    kind: str, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    assert "[]\n" == gitlab.render(reports[kind], rules)


def test_the_severity_is_what_the_problem_does_to_the_merge(
    reports: dict[str, ScanReport], issues: Callable[[ScanReport], Issues]
) -> None:
    told = {(i["location"]["path"], i["check_name"]): i["severity"] for i in issues(reports["mixed"])}

    assert {
        ("models/traffic_signs.h5", "BD101"): "blocker",
        ("models/digits.keras", "BD101"): "critical",
        ("models/digits.keras", "BD201"): "critical",
        ("models/digits.keras", "BD004"): "minor",  # the model fails anyway
        ("models/big.h5", "BD002"): "major",
        ("models/legacy/known bad #1.h5", "BD101"): "info",
        ("models/tolerated.h5", "BD004"): "info",
    } == told


def test_two_issues_that_are_alike_stay_two(
    reports: dict[str, ScanReport], issues: Callable[[ScanReport], Issues]
) -> None:
    told = [issue["fingerprint"] for issue in issues(reports["hostile"])]

    assert 3 == len(told) == len(set(told))


def test_the_fingerprint_outlives_a_retraining(
    reports: dict[str, ScanReport], issues: Callable[[ScanReport], Issues]
) -> None:
    before = reports["fail"]
    entry = before.artifacts[0]
    retrained = replace(
        entry,
        artifact=replace(entry.artifact, sha256="ef" * 32),
        anomaly_index=5.0,
        findings=tuple(replace(finding, message="Another number.") for finding in entry.findings),
    )

    after = replace(before, artifacts=(retrained,))

    assert [i["fingerprint"] for i in issues(before)] == [i["fingerprint"] for i in issues(after)]


def test_a_path_is_told_from_the_root_of_the_repository(
    reports: dict[str, ScanReport], issues: Callable[[ScanReport], Issues]
) -> None:
    report = reports["fail"]
    entry: ArtifactReport = report.artifacts[0]
    here: Artifact = replace(entry.artifact, path="./models/a.h5")

    told = issues(replace(report, artifacts=(replace(entry, artifact=here),)))

    assert "models/a.h5" == told[0]["location"]["path"]
