"""Suspect samples in every format; a report without them looks as it did before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from gate import reporters
from gate.core.errors import UsageError
from gate.core.evidence import Suspects, SuspectSample
from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import json as json_format

HOSTILE = "::error::\x1b[2J##[group].png"
FILES = ("out/s.csv", "out/s.png")


@pytest.fixture
def report(reports: dict[str, ScanReport]) -> ScanReport:
    """The failing report, with two suspects of a data set by a stranger."""
    samples = tuple(SuspectSample(index=i, file=HOSTILE, label=1, score=2.0 - i) for i in range(2))
    suspects = Suspects(count=2, samples=samples, sheet_png=b"\x89PNG", files=FILES)
    failing = reports["fail"]
    entry = failing.artifacts[0]
    evidence = (dataclasses.replace(entry.evidence[0], suspects=suspects), *entry.evidence[1:])
    return dataclasses.replace(failing, artifacts=(dataclasses.replace(entry, evidence=evidence),))


def test_json_reads_back_what_it_wrote(report: ScanReport, rules: Sequence[Rule]) -> None:
    parsed = json_format.parse(json_format.render(report, rules))

    assert report.artifacts[0].evidence[0].suspects == parsed.artifacts[0].evidence[0].suspects


def test_json_refuses_suspects_that_make_no_sense(report: ScanReport, rules: Sequence[Rule]) -> None:
    text = json_format.render(report, rules).replace('"index": 1', '"index": -1')

    with pytest.raises(UsageError, match="suspects"):
        json_format.parse(text)


@pytest.mark.parametrize("name", ["console", "markdown", "junit"])
def test_the_lists_are_named_and_the_strangers_names_are_not(
    name: str, report: ScanReport, rules: Sequence[Rule]
) -> None:
    look: dict[str, Any] = {"color": False, "width": 200, "unicode": True, "verbose": False}
    text = str(reporters.get(name).render(report, rules, **look))

    assert "2 samples look poisoned" in text
    assert FILES[0] in text
    assert "error" not in text.partition("look poisoned")[2].partition("\n")[0]


def test_junit_attaches_list_and_sheet(report: ScanReport, rules: Sequence[Rule]) -> None:
    text = str(reporters.get("junit").render(report, rules))

    assert all(f"[[ATTACHMENT|{file}]]" in text for file in FILES)
