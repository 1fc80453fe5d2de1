"""Whatever is wrong with a command is said in one or two lines, with what would be right, and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Told = tuple[int, str, str]

WRONG = [
    (("check", "missing.h5"), "received 'missing.h5', which does not exist"),
    (("check", "*.keras"), "expected a pattern that matches a file"),
    (("check", "--polcy", "x"), "No such option '--polcy'. (Did you mean one of: '--policy'"),
    (("chek",), "No such command 'chek'"),
    (("check", ".", "--staged"), "Expected one of PATH, --staged, --diff and --files-from"),
    (("check", "--diff", "-x"), "which git would take for an option"),
    (("check", "--files-from", "missing"), "--files-from: missing cannot be read: No such file or directory"),
    (("check", "--policy", "lax"), "lax"),
    (("check", "--policy", "missing.yaml"), "missing.yaml"),
    (("check", "--profile", "fast"), "'fast' is not one of 'quick', 'full'"),
    (("check", "--data", "missing.npz"), "--data: missing.npz does not exist"),
    (("check", "--input-range", "0-255"), "expected LOW,HIGH with LOW < HIGH, received '0-255'"),
    (("check", "--input-range", "1,0"), "received '1,0'"),
    (("check", "--input-range", "0,nan"), "received '0,nan'"),
    (("check", "--input-range", "0,1,2"), "received '0,1,2'"),
    (("check", "--shard", "3/2"), "expected I/N with 1 <= I <= N, received '3/2'"),
    (("check", "--shard", "0/2"), "received '0/2'"),
    (("check", "--shard", "1"), "received '1'"),
    (("check", "--executor", "dask://host:1"), "dask://host:1 is not available in this version"),
    (("check", "--executor", "ray"), "Use --jobs and --shard I/N"),
    (("check", "--executor", "slurm"), "expected local, received 'slurm'"),
    (("check", "--jobs", "0"), "0 is not in the range 1<=x<=64"),
    (("check", "--seed", "-1"), "-1 is not in the range"),
    (("check", "--output", "jsn=x"), "did you mean 'json'?"),
    (("check", "--output", "json="), "expected json=PATH, received 'json='"),
    (("check", "--output", "json=."), "expected a file, received the folder '.'"),
    (("check", "--output", "json=a", "--output", "sarif=./a"), "two reports for the same file"),
    (("check", "--output", "json=-", "--output", "console=-"), "two reports for the same file"),
    (("merge",), "Missing argument"),
    (("merge", "missing.json"), "missing.json: cannot be read as a report"),
    (("explain", "missing.json"), "missing.json: cannot be read as a report"),
    (("explain", "BD999"), "There is no rule 'BD999'"),
    (("policy", "chek"), "No such command 'chek'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_a_wrong_command_is_explained(
    told: Callable[..., Told], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = told(*arguments)

    assert (2, "") == (code, out)
    assert message in err
    assert "Traceback" not in err


def test_a_misspelt_policy_key_is_placed_and_corrected(told: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / ".backdoor-gate.yaml").write_text("version: 1\ndetectors:\n  neural-clense: {}\n")

    code, out, err = told("check", ".")

    assert (2, "") == (code, out)
    assert ".backdoor-gate.yaml:3:3: " in err
    assert "neural-cleanse" in err


@pytest.mark.parametrize("value", ["0,255", "-1,1", "0.0,1e0"])
def test_an_input_range_may_begin_with_a_minus(told: Callable[..., Told], value: str) -> None:
    code, _, err = told("check", ".", f"--input-range={value}")

    assert (0, "") == (code, err)


def test_a_message_holds_no_command_for_a_terminal_or_a_runner(told: Callable[..., Told]) -> None:
    code, _, err = told("check", "\x1b[2J##[error]\n::error::x")

    assert 2 == code
    assert "\x1b" not in err
    assert "##[" not in err
    assert all(line.startswith(("backdoor-gate: ", "  -> ")) for line in err.splitlines())


def test_a_bug_of_our_own_is_no_finding(
    told: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody foresaw this one, so it stands for all the others.
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    code, out, err = told("check")

    assert (3, "") == (code, out)
    assert "FileNotFoundError" in err
    assert "no verdict was reached" in err


def test_help_and_version_are_no_errors(told: Callable[..., Told]) -> None:
    assert (0, "") == told("--help")[::2]
    assert (0, "") == told("check", "-h")[::2]
    assert "backdoor-gate, version " in told("--version")[1]
