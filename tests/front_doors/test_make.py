"""The Makefile and the scripts beside it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def targets(root: Path) -> set[str]:
    return set(re.findall(r"^\.PHONY: ([a-z-]+)$", (root / "Makefile").read_text(), flags=re.MULTILINE))


def test_make_alone_explains_every_target(root: Path, targets: set[str]) -> None:
    shown = subprocess.run(["make", "--silent"], cwd=root, check=True, capture_output=True, text=True).stdout

    assert targets == {line.split()[0] for line in shown.splitlines()}


def test_ci_runs_commands_that_make_has(root: Path, targets: set[str]) -> None:
    used = set(re.findall(r"\bmake ([a-z-]+)$", (root / ".ci/run").read_text(), flags=re.MULTILINE))

    assert {"lint", "test", "test-slow", "demo"} == used
    assert used <= targets


def test_no_fitting_python_is_said_in_one_line(root: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHON": "python2.7"}
    done = subprocess.run(
        [root / ".ci/venv", tmp_path / "venv", "x"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )

    assert 1 == done.returncode
    assert done.stderr.startswith("No Python 3.11, 3.12 or 3.13 found")
    assert 1 == len(done.stderr.splitlines())
