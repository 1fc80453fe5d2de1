"""Entries that the gate writes are entries that the gate reads, and what was there stays as it was."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.errors import UsageError
from gate.policy.waivers.writing import Excusable, baseline_text, waivers_text
from gate.policy.yaml_source import parse

DAY = date(2026, 12, 31)
FOUND = Excusable(rule="BD101", path="m.h5", digest=f"sha256:{'ab' * 32}", anomaly_index=4.0, score=0.97)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def _written(before: str = "", found: Excusable = FOUND, reason: str = "Reviewed.") -> str:
    return waivers_text(before, [found], reason=reason, owner="@me", expires=DAY)


def _entries(text: str) -> list[dict[str, object]]:
    value = parse(text, "w.yaml").value
    assert isinstance(value, dict)
    return value["waivers"]


@given(reason=_TEXT, path=_TEXT)
def test_whatever_a_reason_or_a_name_says_is_read_back(reason: str, path: str) -> None:
    found = Excusable(rule="BD101", path=path, digest="x")

    (entry,) = _entries(_written(found=found, reason=reason))

    assert (reason, path, "2026-12-31") == (entry["reason"], entry["path"], entry["expires"])


def test_ceilings_leave_room_for_another_machine() -> None:
    (entry,) = _entries(_written())

    assert (4.2, 1.0) == (entry["max_anomaly_index"], entry["max_score"])
    assert "max_anomaly_index" not in _entries(_written(found=Excusable(rule="r", path="p", digest="d")))[0]


@pytest.mark.parametrize("margin", ["", "  ", "      "])
def test_what_was_there_stays_as_it_was_written(margin: str) -> None:
    before = (
        f"# ours\nversion: 1\nwaivers: # ours, too\n{margin}- rule: BD001  # why\n{margin}  path: 'x'\n\n\n"
    )

    text = _written(before)

    assert text.startswith(before.rstrip())
    assert [{"rule": "BD001", "path": "x"}, *_entries(_written())] == _entries(text)
    assert 3 == len(_entries(_written(text)))


def test_an_empty_list_is_replaced() -> None:
    assert 1 == len(_entries(_written("version: 1\nwaivers: []\n")))


@pytest.mark.parametrize(
    "before",
    [
        "waivers:\n- {rule: a}\nversion: 1\n",
        "{version: 1, waivers: [{rule: a}]}",
        "version: 1\nwaivers: [{rule: a}]",
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone(before: str) -> None:
    with pytest.raises(UsageError, match="no entry can be added to") as caught:
        _written(before)

    assert "each entry on lines of its own" in caught.value.hint


def test_a_baseline_is_sorted_and_says_each_thing_once() -> None:
    other = Excusable(rule="BD001", path="m.h5", digest="d")

    text = baseline_text([FOUND, FOUND, other])

    assert text == baseline_text([other, FOUND])
    assert ["BD001", "BD101"] == [each["rule"] for each in json.loads(text)["findings"]]
