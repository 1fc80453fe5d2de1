"""JUnit keeps to Jenkins' schema and to what GitLab reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import junitparser
import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.report import ArtifactReport, Gap, ScanReport, Verdict
from gate.core.rule import Rule
from gate.reporters import junit

Rules = tuple[Rule, ...]

# Written down from jenkinsci/xunit-plugin's junit-10.xsd: element -> (required, optional, children).
SHAPE = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name", "classname"},
        {"time", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def tree(report: ScanReport, rules: Rules) -> ElementTree.Element:
    return ElementTree.fromstring(junit.render(report, rules))


def outcomes(report: ScanReport, rules: Rules) -> dict[str, list[str]]:
    return {
        case.attrib["name"]: [child.tag for child in case if child.tag != "system-out"]
        for case in tree(report, rules).iter("testcase")
    }


def test_every_report_keeps_to_jenkins_schema(sample: ScanReport, rules: Rules) -> None:
    for element in tree(sample, rules).iter():
        required, optional, children = SHAPE[element.tag]
        assert required <= set(element.attrib) <= required | optional
        assert {child.tag for child in element} <= children
        if "time" in element.attrib:
            assert re.fullmatch(r"[0-9]+\.[0-9]{3}", element.attrib["time"])


def test_counts_are_those_of_the_cases(sample: ScanReport, rules: Rules) -> None:
    root = tree(sample, rules)
    for suite in (root, *root):
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            marked = [case for case in suite.iter("testcase") if case.find(tag) is not None]
            assert suite.get(count, str(len(marked))) == str(len(marked))
        assert str(len(list(suite.iter("testcase")))) == suite.get("tests")


def test_other_readers_read_it(sample: ScanReport, rules: Rules) -> None:
    read = junitparser.JUnitXml.fromstring(junit.render(sample, rules).encode())

    assert sum(len(list(suite)) for suite in read) == read.tests


def test_every_case_has_its_own_identity(reports: dict[str, ScanReport], rules: Rules) -> None:
    cases = list(tree(reports["mixed"], rules).iter("testcase"))

    assert len(cases) == len({(case.get("classname"), case.get("name")) for case in cases})
    assert {"backdoor-gate", "backdoor-gate.models", "backdoor-gate.models.legacy"} == {
        case.get("classname") for case in cases
    }


def test_two_paths_that_look_alike_are_two_tests(rules: Rules, run: Callable[..., ScanReport]) -> None:
    entries = [
        ArtifactReport(
            artifact=Artifact(path=path, sha256="", size=0, format=ModelFormat.UNKNOWN),
            verdict=Verdict.FAIL,
        )
        for path in ("a\x1b.h5", "a\\x1b.h5")
    ]

    assert ["a\\x1b.h5 [file]", "a\\x1b.h5 (2) [file]"] == list(outcomes(run(*entries), rules))


def test_verdicts_become_outcomes(reports: dict[str, ScanReport], rules: Rules) -> None:
    assert {
        "models/big.h5 [file]": ["error"],
        "models/clean.keras [file]": [],
        "models/clean.keras [neural-cleanse]": [],
        "models/digits.keras [file]": ["failure"],
        "models/digits.keras [neural-cleanse]": ["failure"],
        "models/digits.keras [strip]": ["error"],
        "models/legacy/known bad #1.h5 [file]": [],
        "models/legacy/known bad #1.h5 [neural-cleanse]": ["skipped"],
        "models/tolerated.h5 [file]": ["skipped"],
        "models/tolerated.h5 [head-statistics]": [],
        "models/tolerated.h5 [strip]": ["skipped"],
        "models/tolerated.h5 [max-margin]": [],
        "models/traffic_signs.h5 [file]": [],
        "models/traffic_signs.h5 [neural-cleanse]": ["failure"],
        "models/traffic_signs.h5 [head-statistics]": [],
        "models/traffic_signs.h5 [activation-clustering]": ["skipped"],
        "z.keras [file]": [],
        "z.keras [neural-cleanse]": [],
    } == outcomes(reports["mixed"], rules)


def test_a_gap_beside_a_finding_does_not_hide_it(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    failing = reports["fail"].artifacts[0]
    beside_nothing = replace(failing, not_checked=(Gap(rule="BD004", message="strip failed."),))

    assert ["skipped"] == outcomes(run(beside_nothing), rules)["models/traffic_signs.h5 [file]"]
    assert ["failure"] == outcomes(reports["mixed"], rules)["models/digits.keras [file]"]


def test_an_empty_run_is_one_skipped_test(reports: dict[str, ScanReport], rules: Rules) -> None:
    (case,) = tree(reports["empty"], rules).iter("testcase")
    (skipped,) = case.iter("skipped")

    assert ("no models", "there was no model to scan\nNo model changed since main.") == (
        skipped.get("message"),
        skipped.text,
    )


def test_pictures_are_attached(reports: dict[str, ScanReport], rules: Rules) -> None:
    text = junit.render(reports["fail"], rules)

    assert "\n[[ATTACHMENT|triggers/signs-33.png]]" in text
    assert "▄██████▄" in text


def test_only_our_own_kind_of_file_is_attached(reports: dict[str, ScanReport], rules: Rules) -> None:
    assert "[[" not in junit.render(reports["hostile"], rules)


@pytest.mark.parametrize("poison", ["<script>", "]]>", "\x00"])
def test_hostile_text_is_escaped(poison: str, reports: dict[str, ScanReport], rules: Rules) -> None:
    assert poison not in junit.render(reports["hostile"], rules)
