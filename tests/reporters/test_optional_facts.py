"""What only some runs know: the network's digest, that a verdict is from the cache, what changed since the base."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from gate import reporters
from gate.core.content import BaseIndex, Difference
from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import json as json_format

DIFFERENCE = Difference(
    base_sha256="cd" * 32,
    base_anomaly_index=0.5,
    base_indices=(BaseIndex(detector="neural-cleanse", anomaly_index=0.5),),
    is_architecture_changed=False,
    changed_layers=("encoder/conv\x1b",),
    added_layers=("new",),
    removed_layers=(),
)


@pytest.fixture
def knowing(reports: dict[str, ScanReport]) -> ScanReport:
    (entry,) = reports["pass"].artifacts
    assert entry.model is not None
    told = replace(
        entry,
        model=replace(entry.model, clean_images=60),
        content_sha256="ef" * 32,
        is_cached=True,
        difference=DIFFERENCE,
    )
    return replace(reports["pass"], artifacts=(told,))


def test_it_reads_back_and_keeps_the_schema(knowing: ScanReport, rules: tuple[Rule, ...]) -> None:
    text = json_format.render(knowing, rules)

    Draft202012Validator(json_format.schema()).validate(json.loads(text))
    assert 60 == json.loads(text)["artifacts"][0]["model"]["clean_images"]
    assert knowing.artifacts[0].model == json_format.parse(text).artifacts[0].model
    assert knowing.artifacts[0].difference == json_format.parse(text).artifacts[0].difference
    assert text == json_format.render(json_format.parse(text), rules)


@pytest.mark.parametrize("name", ["attestation", "cyclonedx", "modelcard"])
def test_papers_of_a_model_name_its_digest(knowing: ScanReport, rules: tuple[Rule, ...], name: str) -> None:
    assert "ef" * 32 in reporters.get(name).render(knowing, rules)


def test_the_page_says_what_changed_and_that_nothing_was_scanned(
    knowing: ScanReport, rules: tuple[Rule, ...]
) -> None:
    text = reporters.get("html").render(knowing, rules)

    for told in (
        "Since the base commit",
        "encoder/conv",
        "New layers",
        "by neural-cleanse",
        "0.50 there",
        "cd" * 32,
        "ef" * 32,
        "verdict cache",
    ):
        assert told in text
    assert "Removed layers" not in text
    assert "+3" in reporters.get("html").render(_renamed(knowing, 15), rules)


def _renamed(report: ScanReport, count: int) -> ScanReport:
    (entry,) = report.artifacts
    difference = replace(DIFFERENCE, changed_layers=tuple(map(str, range(count))))
    return replace(report, artifacts=(replace(entry, difference=difference),))


def test_the_console_says_that_nothing_was_scanned(knowing: ScanReport, rules: tuple[Rule, ...]) -> None:
    assert "cached" in reporters.get("console").render(knowing, rules)
