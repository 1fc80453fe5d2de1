"""Workflow commands: exact escapes, ten of a level, nothing that a model could add."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import github

Rules = tuple[Rule, ...]
COMMAND = re.compile(r"::(error|warning|notice) (file=[^:,\r\n]+,)?title=[^:,\r\n]+::[^\r\n]+")


def test_every_line_is_one_well_formed_command(sample: ScanReport, rules: Rules) -> None:
    lines = github.render(sample, rules).splitlines()

    assert lines
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert not [line for line in lines if re.search(r"%(?!25|0A|0D|3A|2C)", line)]


def test_properties_and_data_are_escaped(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["fail"].artifacts[0]
    odd = replace(entry, artifact=replace(entry.artifact, path="a:b,c%d.h5"))

    assert github.render(run(odd), rules).startswith(
        "::error file=a%3Ab%2Cc%25d.h5,title=BD101 anomalous-trigger::a:b,c%25d.h5: A trigger of 148.0 px"
    )


@pytest.mark.parametrize(
    ("kind", "commands"),
    [
        ("empty", ["notice", "notice"]),
        ("pass", ["notice"]),
        ("fail", ["error"]),
        ("incomplete", ["error", "error"]),
        ("waived", ["notice", "notice"]),
        ("mixed", ["error", "error", "error", "error", "warning", "notice", "notice"]),
    ],
)
def test_levels_say_what_stops_the_run(
    kind: str, commands: list[str], reports: dict[str, ScanReport], rules: Rules
) -> None:
    lines = github.render(reports[kind], rules).splitlines()

    assert commands == [line[2:].split(" ")[0] for line in lines]


@pytest.mark.parametrize(("count", "lines"), [(10, 10), (11, 10), (500, 10)])
def test_the_last_of_ten_says_how_many_more(
    count: int, lines: int, reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["fail"].artifacts[0]
    many = (replace(entry, artifact=replace(entry.artifact, path=f"{n}.h5")) for n in range(count))

    told = github.render(run(*many), rules).splitlines()

    assert lines == len(told)
    rest = f"::error title=backdoor-gate::{count - 9} more of this level are in the report."
    assert (count > 10) == (told[-1] == rest)
