"""The benchmarks have one door, and what it says of them is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"
CARD = (ROOT / "results/README.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])

    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith(f"usage: python -m benchmarks {command} [-h]")


def test_the_page_names_every_command_and_no_other() -> None:
    _, _, rest = (ROOT / "README.md").read_text().partition("## Commands\n")
    table, _, _ = rest.partition("\n## ")
    named = re.findall(r"^\| `((?:calibrate |report )?[a-z-]+)", table, flags=re.MULTILINE)

    assert list(COMMANDS) == named


@pytest.mark.parametrize("words", [[], ["zoo"], ["calibrate"], ["calibrate", "zoo"]])
def test_what_is_no_command_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert 2 == ended.value.code
    assert "COMMAND" in capsys.readouterr().err


def test_every_result_stands_in_the_data_card_and_is_dated() -> None:
    files = {file.name for file in (ROOT / "results").iterdir() if file.suffix in (".jsonl", ".npz")}

    assert files == set(re.findall(r"`(2\d{3}-\d\d-\d\d-[a-z-]+\.(?:jsonl|npz))`", CARD))


def test_every_name_of_a_result_leads_to_a_file() -> None:
    named = {name: file for name, file in vars(results).items() if name[0].isupper() and name != "Path"}

    assert dict.fromkeys(named, True) == {name: file.is_file() for name, file in named.items()}
