"""Markdown shows hostile text as text, and stays within what GitHub shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import markdown

Rules = tuple[Rule, ...]


@pytest.mark.parametrize(
    "poison",
    ["<script>", "<!--", "](http", "@octocat", "`code`", "a|b", "[red]", "http://", "[[ATTACHMENT", "$(id)"],
)
def test_hostile_text_has_no_meaning(poison: str, reports: dict[str, ScanReport], rules: Rules) -> None:
    assert poison not in markdown.render(reports["hostile"], rules)


def test_every_row_of_a_table_has_as_many_cells(sample: ScanReport, rules: Rules) -> None:
    tables = markdown.render(sample, rules).split("\n\n")
    for table in (table for table in tables if table.startswith("| ")):
        assert 1 == len({line.count("|") for line in table.splitlines()})


def test_only_failing_models_are_unfolded(reports: dict[str, ScanReport], rules: Rules) -> None:
    text = markdown.render(reports["mixed"], rules)

    assert (2, 3) == (text.count("<details open>"), text.count("<details>"))
    assert text.count("<details") == text.count("</details>")


def test_a_long_report_is_cut_between_models(
    reports: dict[str, ScanReport], rules: Rules, run: Callable[..., ScanReport]
) -> None:
    entry = reports["fail"].artifacts[0]
    many = (replace(entry, artifact=replace(entry.artifact, path=f"{n}.h5")) for n in range(1000))

    text = markdown.render(run(*many), rules)

    assert 800 * 1024 < len(text.encode()) <= markdown.LIMIT
    assert text.endswith(
        "**The rest is cut: GitHub shows no more than 1 MiB. The JSON report has everything.**\n"
    )
    assert text.count("<details") == text.count("</details>")
