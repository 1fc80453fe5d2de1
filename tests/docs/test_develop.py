"""The pages for developers name what is there, and all of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "CONTRIBUTING.md",
    *(file.relative_to(ROOT).as_posix() for file in sorted(ROOT.glob("docs/develop/*.md"))),
)
ARCHITECTURE = ROOT / "docs" / "develop" / "architecture.md"
# Files that the page tells its reader to make.
_TO_COME = re.compile(r"my_idea|<name>")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_for_developers_names_exists(page: str) -> None:
    named = re.findall(
        r"`\.?/?((?:gate|tests|docs|policies|benchmarks|examples)/[^`\s]+)", (ROOT / page).read_text()
    )

    assert [] == [name for name in named if not _TO_COME.search(name) and not (ROOT / name).exists()]


def test_a_verdict_is_told_with_eight_files_at_most() -> None:
    told = re.findall(r"^(\d)\. \[`(gate/[\w/]+\.py)`\]", ARCHITECTURE.read_text(), flags=re.MULTILINE)
    drawn = re.findall(r'\["(\d) ([\w/]+\.py)"\]', ARCHITECTURE.read_text())

    assert 1 < len(told) <= 8
    assert sorted((number, f"gate/{name}") for number, name in drawn) == told


def test_the_floors_are_those_that_the_linter_checks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["type"] == "layers"]

    assert "\n```\n" + "\n".join(layers) + "\n```\n" in ARCHITECTURE.read_text()


@pytest.mark.parametrize("room", ["detectors", "models"])
def test_every_folder_of_parts_has_its_row(room: str) -> None:
    folders = {file.parent.name for file in (ROOT / "gate" / room).glob("*/__init__.py")}

    assert folders <= set(re.findall(r"^\| `(\w+)` \|", ARCHITECTURE.read_text(), flags=re.MULTILINE))


def test_a_detector_is_added_in_nine_steps_each_with_a_check() -> None:
    steps = re.split(
        r"^## ", (ROOT / "docs" / "develop" / "add-a-detector.md").read_text(), flags=re.MULTILINE
    )[1:]

    assert [str(number) for number in range(1, 10)] == [step.partition(". ")[0] for step in steps]
    assert [] == [step.splitlines()[0] for step in steps if "\nCheck: " not in step]


def test_decisions_are_numbered_without_a_gap() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

    assert list(range(1, len(files) + 1)) == [int(file.name[:4]) for file in files]


def test_every_decision_says_why_and_what() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    texts = {file.name: file.read_text() for file in files}

    assert [] == [
        name for name, text in texts.items() if "**Context.**" not in text or "**Decision.**" not in text
    ]
