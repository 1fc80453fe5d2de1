"""What an attestation may be relied upon for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gate.core.report import ScanReport
from gate.reporters import attestation


def statement(report: ScanReport) -> Any:
    return json.loads(attestation.render(report, ()))


def names(report: ScanReport) -> list[str]:
    return [subject["name"] for subject in statement(report)["subject"]]


def test_a_run_that_passed_speaks_for_what_passed_or_is_waived_alone(
    reports: dict[str, ScanReport],
) -> None:
    assert ["models/legacy/known bad #1.h5"] == names(reports["waived"])  # the other one is tolerated
    assert ["waived"] == [each["annotations"]["verdict"] for each in statement(reports["waived"])["subject"]]
    assert "PASSED" == statement(reports["waived"])["predicate"]["verificationResult"]


def test_a_pointer_is_no_subject(reports: dict[str, ScanReport]) -> None:
    paths = {entry.artifact.path: entry.artifact.format.is_loadable for entry in reports["mixed"].artifacts}

    assert sorted(path for path, is_loadable in paths.items() if is_loadable) == names(reports["mixed"])
    assert "FAILED" == statement(reports["mixed"])["predicate"]["verificationResult"]


@pytest.mark.parametrize(
    ("profile", "level"),
    [("static", "BACKDOOR_GATE_STATIC"), ("full", "BACKDOOR_GATE_FULL"), ("unheard of", "FAILED")],
)
def test_the_level_says_how_thorough_the_scan_was(
    reports: dict[str, ScanReport], profile: str, level: str
) -> None:
    document = statement(replace(reports["pass"], profile=profile))

    assert [level] == document["predicate"]["verifiedLevels"]


def test_the_policy_is_named_by_a_uri(run: Callable[..., ScanReport]) -> None:
    found = [
        statement(run(source=source))["predicate"]["policy"]["uri"]
        for source in ("built-in default", "a b/policy.yaml")
    ]

    assert ["urn:backdoor-gate:policy:default", "file:a%20b/policy.yaml"] == found
