"""Real shells complete the command with the scripts that it prints."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gate import reporters


@pytest.fixture
def completed(command: Path, environment: Callable[..., dict[str, str]]) -> Callable[..., list[str]]:
    """Ask as the bash script does."""

    def ask(*words: str) -> list[str]:
        asked: Mapping[str, str] = environment(
            _BACKDOOR_GATE_COMPLETE="bash_complete",
            COMP_WORDS="\n".join(("backdoor-gate", *words)),
            COMP_CWORD=str(len(words)),
        )
        done = subprocess.run([command], env=asked, capture_output=True, text=True, check=True)
        return done.stdout.split()

    return ask


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_accepts_its_script(shell: str, command: Path) -> None:
    script = subprocess.run([command, "completion", shell], capture_output=True, check=True).stdout
    if shutil.which(shell):
        assert 0 == subprocess.run([shell, "-n"], input=script, check=False).returncode

    assert b"_BACKDOOR_GATE_COMPLETE" in script


def test_bash_completes_a_command(command: Path) -> None:
    lines = (
        f'eval "$({command} completion bash)"; COMP_WORDS=(backdoor-gate doc); COMP_CWORD=1; '
        '_backdoor_gate_completion backdoor-gate; echo "${COMPREPLY[@]}"'
    )
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-c", lines], env={"PATH": path}, capture_output=True, text=True, check=True
    )

    assert "doctor\n" == done.stdout


def test_formats_policies_and_rules_are_proposed(completed: Callable[..., list[str]]) -> None:
    assert [f"plain,{name}=" for name in reporters.names()] == completed("check", "--output", "")
    assert ["plain,sarif="] == completed("merge", "--output", "s")
    assert ["plain,paper"] == completed("check", "--policy", "pa")
    assert ["plain,BD101"] == completed("explain", "bd101")


@pytest.mark.parametrize(
    "words", [("check", "--output", "sarif=o"), ("check", "--policy", "x"), ("explain", "report.j")]
)
def test_where_a_file_may_stand_files_are_proposed(
    completed: Callable[..., list[str]], words: tuple[str, ...]
) -> None:
    assert completed(*words)[0].startswith("file,")


def test_another_shell_is_refused(command: Path) -> None:
    assert 2 == subprocess.run([command, "completion", "csh"], capture_output=True, check=False).returncode
