"""The changelog keeps the form of keepachangelog.com, and its entries are short."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import gate

TEXT = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text()
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
LONGEST_ENTRY = 4


def sections() -> list[tuple[str, str]]:
    """Return the heading and the text of each version."""
    parts = re.split(r"^## (.*)\n", TEXT, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_what_is_to_come_stands_first_and_versions_follow_newest_first() -> None:
    (first, *others) = [heading for heading, _ in sections()]
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in others]

    assert "[Unreleased]" == first
    assert None not in found
    versions = [tuple(map(int, each.groups()[:3])) for each in found if each]
    days = [date.fromisoformat(each[4]) for each in found if each]
    assert (sorted(versions, reverse=True), sorted(days, reverse=True)) == (versions, days)


def test_the_version_of_the_code_has_its_section() -> None:
    assert f"[{gate.__version__}]" in {heading.partition(" ")[0] for heading, _ in sections()}


def test_kinds_of_change_stand_in_one_order_each_once() -> None:
    for heading, text in sections():
        kinds = re.findall(r"^### (.*)$", text, flags=re.MULTILINE)

        assert [kind for kind in KINDS if kind in kinds] == kinds, heading


def test_an_entry_is_a_few_lines() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", TEXT, flags=re.MULTILINE)

    assert [] == [entry for entry in entries if len(entry.splitlines()) > LONGEST_ENTRY]
    assert [] == [entry for entry in entries if not re.search(r"[.`]$", entry)]
