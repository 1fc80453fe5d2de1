"""What a pull request puts around the gate - names, modules, terminals - is shown or ignored, never obeyed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Cli = Callable[..., Any]

NAMES = [
    b"new\nline.h5",
    b"\x1b[31mansi\x1b[0m.h5",
    b"::error::pwned.h5",
    b"\n::error file=x::pwned.h5",
    b"##[error]pwned.h5",
    b"[[ATTACHMENT|etc.h5",
    b"latin-\xe9.h5",
    b"<b>&amp;.h5",
    b"`code` | @octocat.h5",
    "\N{RIGHT-TO-LEFT OVERRIDE}5h.h5".encode(),
    b"--help.h5",
    b" .h5",
]
TEXTS = {
    "console": "txt",
    "github": "log",
    "markdown": "md",
    "junit": "xml",
    "sarif": "sarif",
    "json": "json",
}
MODULES = ("numpy", "yaml", "click", "json", "tensorflow", "sitecustomize", "usercustomize", "gate_trap")
PACKAGES = ("keras_hub", "h5py", "encodings")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in NAMES:
        Path(os.fsdecode(bytes(folder) + b"/" + name)).touch()
    return folder


@pytest.fixture
def reports(cli: Cli, hostile: Path, tmp_path: Path) -> dict[str, str]:
    """The reports of one run by format, and what it printed as "terminal"."""
    outputs = [f"--output={name}=reports/out.{suffix}" for name, suffix in TEXTS.items()]
    outcome = cli("check", "models", "--jobs", "2", *outputs, cwd=tmp_path)

    assert (3, "") == (outcome.code, outcome.err)
    written = {name: (tmp_path / "reports" / f"out.{suffix}").read_text() for name, suffix in TEXTS.items()}
    return written | {"terminal": outcome.out}


def test_hostile_names_reach_no_terminal_and_no_runner(reports: dict[str, str]) -> None:
    for name, text in reports.items():
        hidden = re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert (name, []) == (name, hidden)
        assert "##[" not in text, name
        if name != "github":
            assert not re.search(r"^\s*::", text, re.MULTILINE), name


def test_github_commands_are_only_our_own(reports: dict[str, str]) -> None:
    lines = reports["github"].splitlines()

    assert all(re.match(r"::(error|warning|notice) (file|title)=[^:]*::", line) for line in lines)
    assert 10 == sum(line.startswith("::error") for line in lines)  # GitHub shows no more of one step


def test_gitlab_and_jenkins_get_no_attachment(reports: dict[str, str]) -> None:
    assert "[[ATTACHMENT" not in reports["junit"]
    assert "[[ATTACHMENT" not in reports["terminal"]


def test_machine_formats_parse_and_hold_every_model(reports: dict[str, str]) -> None:
    cases = list(ElementTree.fromstring(reports["junit"]).iter("testcase"))
    paths = {os.fsencode(entry["path"]) for entry in json.loads(reports["json"])["artifacts"]}

    assert len(NAMES) == len(cases)
    assert {b"models/" + name for name in NAMES} == paths
    assert json.loads(reports["sarif"])["runs"]


def test_markdown_shows_names_as_text(reports: dict[str, str]) -> None:
    assert "<b>" not in reports["markdown"]
    assert not re.search(r"(?<!\\)@octocat", re.sub(r"<code>.*?</code>", "", reports["markdown"]))


@pytest.fixture
def trapped(tmp_path: Path, examples: Path) -> tuple[Path, Path]:
    """A working directory full of modules that leave a marker when they are imported."""
    marker = tmp_path / "imported"
    trap = f"open({str(marker)!r}, 'w').close()\n"
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(trap)
    for name in PACKAGES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(trap)
    (folder / "pyvenv.cfg").write_text("home = /nowhere\n")
    return folder, marker


@pytest.mark.parametrize("module", [False, True], ids=["backdoor-gate", "python -m gate"])
def test_modules_in_the_working_directory_are_not_imported(
    command: Path, trapped: tuple[Path, Path], examples: Path, module: bool
) -> None:
    folder, marker = trapped
    started = [sys.executable, "-m", "gate"] if module else [command]
    model = examples / "models" / "clean.keras"

    done = subprocess.run(
        [*started, "check", model, "--static"], cwd=folder, capture_output=True, check=False
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert not marker.exists()


@pytest.mark.slow
def test_the_engine_does_not_import_from_the_working_directory_either(
    cli: Cli, trapped: tuple[Path, Path], unsupported: Path
) -> None:
    folder, marker = trapped

    outcome = cli("check", str(unsupported / "sequence.h5"), cwd=folder)

    assert 3 == outcome.code
    assert "BD003" in outcome.out
    assert not marker.exists()


def test_the_traps_would_spring_in_a_careless_python(trapped: tuple[Path, Path]) -> None:
    folder, marker = trapped

    subprocess.run([sys.executable, "-c", "import gate_trap"], cwd=folder, check=True)

    assert marker.exists()
