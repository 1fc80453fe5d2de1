"""What does not count is shown, with its reason, beside what does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from gate.core.exemption import Exemption, Ground
from gate.core.report import ArtifactReport, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Rule
from gate.reporters import (
    attestation,
    console,
    cyclonedx,
    github,
    gitlab,
    html,
    junit,
    markdown,
    modelcard,
    sarif,
)
from gate.reporters import json as json_format

Rules = tuple[Rule, ...]
HOSTILE = "\x1b[31m ::error:: <b>|` [x](http://evil) ##[x] [[ATTACHMENT|/etc/passwd]]"


def _waiver(rule: str, reason: str = "Reviewed.") -> Exemption:
    ground = Ground.WAIVER
    return Exemption(
        rule=rule, ground=ground, source="w.yaml:3", reason=reason, owner="@me", expires="2027-01-31"
    )


def _known(rule: str) -> Exemption:
    return Exemption(rule=rule, ground=Ground.BASELINE, source="b.json:1")


@pytest.fixture
def failing(reports: dict[str, ScanReport]) -> ArtifactReport:
    """A model with two findings, of BD101 and BD201, and a gap, BD004."""
    return next(entry for entry in reports["mixed"].artifacts if entry.artifact.path == "models/digits.keras")


@pytest.fixture
def excused(run: Callable[..., ScanReport], failing: ArtifactReport) -> Callable[..., ScanReport]:
    """A run of that model with exceptions."""

    def build(*exemptions: Exemption, verdict: Verdict = Verdict.FAIL, **changes: Any) -> ScanReport:
        report = run(replace(failing, exemptions=exemptions, verdict=verdict))
        return replace(report, **changes)

    return build


def test_json_keeps_exceptions_and_leaves_them_out_where_there_are_none(
    excused: Callable[..., ScanReport], rules: Rules
) -> None:
    stamp = PolicyStamp(sha256="ab" * 32, source="1a2b3c4d5e6f:w.yaml")
    report = excused(_waiver("BD101"), _known("BD201"), waivers=stamp, baseline=stamp)

    text = json_format.render(report, rules)
    Draft202012Validator(json_format.schema()).validate(json.loads(text))
    again = json_format.parse(text)
    assert (report.waivers, report.baseline) == (again.waivers, again.baseline)
    assert report.artifacts[0].exemptions == again.artifacts[0].exemptions
    plain = json.loads(json_format.render(excused(), rules))
    assert not {"waivers", "baseline"} & plain.keys()
    assert "waived_by" not in plain["artifacts"][0]


def test_sarif_suppresses_what_is_waived_and_nothing_else(
    excused: Callable[..., ScanReport], rules: Rules
) -> None:
    report = excused(
        _waiver("BD101"), _known("BD004"), baseline=PolicyStamp(sha256="ab" * 32, source="b.json")
    )

    run = json.loads(sarif.render(report, rules))["runs"][0]

    told = {each["ruleId"]: each for each in run["results"]}
    assert {"BD101": "note", "BD004": "note", "BD201": "error"} == {
        rule: told[rule]["level"] for rule in told
    }
    assert {"BD101": "new", "BD004": "unchanged", "BD201": "new"} == {
        rule: told[rule]["baselineState"] for rule in told
    }
    assert {"BD101", "BD004"} == {rule for rule in told if "suppressions" in told[rule]}
    assert "b.json" == run["properties"]["baselineSource"]


def test_in_junit_a_failure_stands_alone_and_a_waived_finding_is_skipped(
    excused: Callable[..., ScanReport], rules: Rules
) -> None:
    cases = ElementTree.fromstring(junit.render(excused(_waiver("BD101")), rules)).iter("testcase")

    kinds = {case.get("name", "").partition(" ")[2]: {child.tag for child in case} for case in cases}

    assert "failure" in kinds["[file]"]
    assert "skipped" not in kinds["[file]"]
    assert {"skipped", "system-out"} == kinds["[neural-cleanse]"]


def test_in_junit_a_waived_gap_is_no_error(excused: Callable[..., ScanReport], rules: Rules) -> None:
    gone = excused(_waiver("BD101"), _waiver("BD201"), _waiver("BD004"), verdict=Verdict.WAIVED)
    left = excused(_waiver("BD101"), _waiver("BD201"), verdict=Verdict.INCOMPLETE)

    errors = [
        {child.tag for child in next(ElementTree.fromstring(junit.render(report, rules)).iter("testcase"))}
        for report in (gone, left)
    ]

    assert [{"skipped", "system-out"}, {"error", "system-out"}] == errors


def test_people_read_the_reason_beside_the_finding(excused: Callable[..., ScanReport], rules: Rules) -> None:
    stamp = PolicyStamp(sha256="ab" * 32, source="w.yaml")
    report = excused(_waiver("BD101"), _waiver("BD004"), waivers=stamp)

    text = console.render(report, rules)

    assert 2 == text.count("waived until 2027-01-31 by @me: Reviewed. (w.yaml:3)")
    assert "waivers  w.yaml (sha256 abababababab)" in text
    page = markdown.render(report, rules)
    assert "**Does not count:** BD101, waived until 2027-01-31" in page
    assert "waivers <code>w.yaml</code>" in page
    assert "::notice" in github.render(report, rules)


def test_the_page_and_the_papers_of_a_model_say_who_answers_for_it(
    excused: Callable[..., ScanReport], rules: Rules
) -> None:
    stamp = PolicyStamp(sha256="ab" * 32, source="w.yaml")
    report = excused(_waiver("BD101"), _known("BD004"), waivers=stamp)

    for render in (html.render, modelcard.render, cyclonedx.render):
        text = render(report, rules)
        for told in ("waived until 2027-01-31", "me: Reviewed.", "known from the baseline", "abababababab"):
            assert told in text
    page = html.render(report, rules)
    assert 1 == page.count('<li class="finding exempt">') == page.count('<li class="gap exempt">')
    assert 1 == page.count('<li class="finding">')


def test_in_gitlab_a_waived_finding_stays_as_information(
    excused: Callable[..., ScanReport], rules: Rules
) -> None:
    told = {each["check_name"]: each for each in json.loads(gitlab.render(excused(_waiver("BD101")), rules))}

    assert ("info", "critical") == (told["BD101"]["severity"], told["BD201"]["severity"])
    assert "Does not count: waived until 2027-01-31" in told["BD101"]["description"]


def test_an_attestation_names_what_is_waived_and_is_silent_on_a_scan_that_is(
    excused: Callable[..., ScanReport], failing: ArtifactReport, run: Callable[..., ScanReport]
) -> None:
    gone = tuple(map(_waiver, ("BD101", "BD201", "BD004")))
    scanned = replace(failing, not_checked=(), exemptions=gone[:2], verdict=Verdict.WAIVED)

    (subject,) = json.loads(attestation.render(run(scanned), ()))["subject"]
    assert ["BD101", "BD201"] == subject["annotations"]["waived_rules"]
    assert [] == json.loads(attestation.render(excused(*gone, verdict=Verdict.WAIVED), ()))["subject"]


@pytest.mark.parametrize(
    "render",
    [
        console.render,
        markdown.render,
        github.render,
        junit.render,
        sarif.render,
        html.render,
        modelcard.render,
        cyclonedx.render,
        gitlab.render,
    ],
)
def test_a_hostile_reason_does_no_harm(
    excused: Callable[..., ScanReport], rules: Rules, render: Callable[..., str]
) -> None:
    text = render(excused(_waiver("BD101", HOSTILE)), rules)

    assert not [bad for bad in ("\x1b[31m", "##[x]") if bad in text]
    assert render is not junit.render or "[[ATTACHMENT|/etc" not in text
    assert not any(line.startswith("::error::") for line in text.splitlines())
    assert render not in (markdown.render, sarif.render, modelcard.render) or "](http" not in text
    assert render not in (markdown.render, html.render, modelcard.render) or "<b>" not in text
