"""Two engines on the same networks: the summary counts what the rows say."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.evaluation.engines import Row, summary, table


def said(verdict: str, index: float, label: int, seconds: float) -> dict[str, Any]:
    return {"verdict": verdict, "index": index, "labels": [label], "cpu_seconds": seconds}


@pytest.fixture
def found() -> list[Row]:
    return [
        row("a-clean", "", None, [], said("pass", 1.0, 0, 40), said("fail", 2.5, 0, 10)),
        row("b-clean", "", None, [], said("fail", 2.2, 1, 60), said("pass", 1.5, 1, 20)),
        row("c-patch", "patch", 0.95, [1], said("pass", 1.1, 1, 80), said("fail", 4.0, 1, 20)),
        row("d-patch", "patch", 0.99, [2], said("fail", 3.0, 2, 90), said("fail", 3.0, 0, 45)),
        row("e-weak", "warp", 0.2, [2], said("pass", 0.5, 2, 30), said("pass", 0.5, 2, 15)),
    ]


def row(name: str, attack: str, success: float | None, targets: list[int], old: Any, new: Any) -> Row:
    known = {"name": name, "attack": attack, "classes": 3, "success": success, "targets": targets}
    return known | {"old": old, "new": new}


def test_the_summary_counts_verdicts_classes_and_seconds(found: list[Row]) -> None:
    lines = list(summary(found))

    assert "5 networks: 2 clean, 2 with a backdoor that works, 1 weak." == lines[0]
    old, new = (line.split(" | ") for line in lines[4:6])
    assert ["| old", "1/2", "1/1", "1/2"] == [old[0], *(each.split()[0] for each in old[2:])]
    assert ["| new", "2/2", "1/2", "1/2"] == [new[0], *(each.split()[0] for each in new[2:])]
    assert "old 1, new 2; McNemar's exact test: p = 1.00." in lines[-2]
    assert "2.73 in all; median 3.00, 2.00 to 4.00; clean networks 3.33." in lines[-1]


def test_the_table_has_a_line_for_each_network(found: list[Row]) -> None:
    lines = list(table(found))

    assert "| c-patch | patch | 0.95 | pass 1.10 (1) | fail 4.00 (1) | 80 to 20 | 4.0 |" == lines[4]
    assert 5 + 2 == lines.index("")
