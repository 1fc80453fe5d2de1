"""Rules and reports are explained where they are met."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.cli.registry import all_rules, known_detectors
from gate.core.report import ArtifactReport

Told = tuple[int, str, str]
Run = Callable[..., Told]


def test_without_a_topic_every_rule_is_listed_once(told: Run) -> None:
    code, out, _ = told("explain")

    assert 0 == code
    assert [rule.id for rule in all_rules()] == [line.split()[0] for line in out.splitlines()]


@pytest.mark.parametrize("topic", ["BD101", "bd101", "anomalous-trigger", "neural-cleanse", "Neural-Cleanse"])
def test_a_rule_is_found_by_id_name_and_detector(told: Run, topic: str) -> None:
    code, out, _ = told("explain", topic)

    assert 0 == code
    assert out.startswith("# BD101 anomalous-trigger\n")
    for heading in ("Looks for", "Needs", "Decides by", "Known limits", "Paper"):
        assert f"## {heading}" in out


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_has_a_page_that_ends_with_its_weight(told: Run, rule: object) -> None:
    code, out, _ = told("explain", rule.id)  # type: ignore[attr-defined]

    assert 0 == code
    assert out.splitlines()[-1].startswith(("severity ", "stops the scan (exit 3)"))


def test_every_detector_has_a_page(told: Run) -> None:
    assert {0} == {told("explain", detector)[0] for detector in known_detectors()}


def test_a_misspelt_rule_is_corrected(told: Run) -> None:
    code, _, err = told("explain", "anomalous-triger")

    assert 2 == code
    assert "Did you mean anomalous-trigger?" in err


def test_a_report_is_shown_in_full_with_the_pages_of_its_rules(
    told: Run, save: Callable[..., str], failing: ArtifactReport, passing: ArtifactReport
) -> None:
    code, out, _ = told("explain", save("report.json", failing, passing))

    assert 0 == code
    assert "FAIL      bad.keras" in out
    assert "# BD101 anomalous-trigger" in out
    assert "# BD102" not in out
