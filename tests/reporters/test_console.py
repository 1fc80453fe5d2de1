"""The console format fits the terminal that it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.report import ArtifactReport, ScanReport
from gate.core.rule import Rule
from gate.reporters import console
from gate.reporters.parts.console_images import CAUGHT, IMAGES, WORKING

Rules = tuple[Rule, ...]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [40, 60, 100, 200])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("color", [True, False])
def test_no_line_is_wider_than_the_terminal(
    width: int, unicode: bool, color: bool, sample: ScanReport, rules: Rules
) -> None:
    text = console.render(sample, rules, width=width, unicode=unicode, color=color, verbose=True)

    assert max(len(line) for line in ANSI.sub("", text).splitlines()) <= width


def test_without_unicode_everything_is_ascii(sample: ScanReport, rules: Rules) -> None:
    assert console.render(sample, rules, unicode=False, verbose=True).isascii()


def test_colour_changes_no_words(reports: dict[str, ScanReport], rules: Rules) -> None:
    report = reports["incomplete"]
    coloured = ANSI.sub("", console.render(report, rules, color=True))

    assert console.render(report, rules).split() == coloured.split()


def test_ansi_of_a_layer_name_does_not_reach_a_coloured_terminal(
    reports: dict[str, ScanReport], rules: Rules
) -> None:
    text = console.render(reports["hostile"], rules, color=True)

    assert "\x1b" not in ANSI.sub("", text)
    assert "\\x1b[31mred" in text


def test_the_environment_changes_nothing(
    reports: dict[str, ScanReport], rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = console.render(reports["fail"], rules, color=True)
    for name, value in (("NO_COLOR", "1"), ("COLUMNS", "41"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)

    assert before == console.render(reports["fail"], rules, color=True)


def test_passing_models_take_two_lines_each(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["pass"].artifacts[0]
    other = replace(entry, artifact=replace(entry.artifact, path="other.keras"))
    grow = len(console.render(run(entry, other), rules).splitlines()) - len(
        console.render(run(entry), rules).splitlines()
    )

    assert 2 == grow


def test_an_index_without_score_or_target_stands_alone(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = replace(reports["fail"].artifacts[0], score=None, target_labels=())
    text = console.render(run(entry), rules)

    assert "anomaly index 7.41" in text
    assert "backdoor probability" not in text


def test_verbose_lists_the_smallest_triggers_first(reports: dict[str, ScanReport], rules: Rules) -> None:
    text = console.render(reports["fail"], rules, verbose=True, width=60)
    table = text[text.rindex("class  L1 px") :].splitlines()

    assert ["33", "148.0"] == table[1].split()[:2]
    assert "and 4 more classes" in text


def test_classes_whose_triggers_vanished_are_drawn_all_the_same(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["pass"].artifacts[0]
    zero = (Measurement(name="trigger_norm", value=0.0, unit="px", label=1),)
    flat = replace(entry, evidence=(replace(entry.evidence[0], measurements=zero),))

    lines = console.render(run(flat), rules, verbose=True).splitlines()

    assert ["1", "0.0", "━"] in [line.split() for line in lines]


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("fail.console-color", {"color": True}),
        ("fail.console-60-ascii", {"width": 60, "unicode": False, "verbose": True}),
        ("mixed.console-60-verbose", {"width": 60, "verbose": True}),
    ],
)
def test_looks_are_as_committed(
    name: str,
    look: dict[str, Any],
    reports: dict[str, ScanReport],
    rules: Rules,
    matches_snapshot: Callable[[str, str], None],
) -> None:
    matches_snapshot(f"{name}.txt", console.render(reports[name.split(".")[0]], rules, **look))


def asking(entry: ArtifactReport, clean_images: int) -> ArtifactReport:
    """Return the report of a network that was asked what it remembers, if there were images."""
    assert entry.model is not None
    evidence = Evidence(
        detector="training-memory", rule="BD112", status=Status.SKIPPED, reason="Needs clean images."
    )
    model = replace(entry.model, clean_images=clean_images)
    return replace(entry, model=model, evidence=(*entry.evidence, evidence))


@pytest.mark.parametrize(
    ("clean_images", "told"),
    [
        (0, "no clean ones given; 500 (--data DIR --data-role clean) tell what batch normalisation remembers of"),
        (50, "50 clean ones given; 500 tell their mean 3.2 times as exactly"),
        (100, ""),
    ],
)  # fmt: skip
def test_what_images_would_bring_is_said_once(
    reports: dict[str, ScanReport],
    rules: Rules,
    run: Callable[..., ScanReport],
    clean_images: int,
    told: str,
) -> None:
    entry = asking(reports["pass"].artifacts[0], clean_images)
    other = replace(entry, artifact=replace(entry.artifact, path="other.keras"))

    text = console.render(run(entry, other), rules, width=200)

    assert (1 if told else 0) == text.count("clean ones")
    assert not told or f"images   {told}" in text.splitlines()[-1]
    assert "clean ones" not in console.render(run(entry, other), rules, quiet=True)


def test_nothing_is_promised_where_no_detector_would_ask(
    reports: dict[str, ScanReport], rules: Rules
) -> None:
    assert not [name for name, report in reports.items() if "clean ones" in console.render(report, rules)]


def test_what_is_promised_was_measured() -> None:
    table = Path(__file__).parents[2] / "benchmarks/results/2026-12-01-training-memory.jsonl"
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    asked = [row for row in rows if row["index"] is not None]
    working = [row for row in asked if row["attack"] and row["success"] >= 0.9 and row["images"] == IMAGES]
    caught = [row for row in working if row["index"] > 2.0]

    assert not [row for row in asked if not row["attack"] and row["index"] > 2.0]
    assert (CAUGHT, WORKING) == (len(caught), len(working))
