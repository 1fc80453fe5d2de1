"""The action in a real runner (act), whole: it installs itself with its engine, and scans what a pull request adds."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.front_doors.runner import NOTHING, Git, Runner, action

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORKFLOW = """
on: pull_request
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - id: gate
        uses: ./
        with:
          python-version: system
          sarif-file: gate.sarif
      - if: always()
        env:
          SEEN: ${{ steps.gate.outputs.verdict }} ${{ steps.gate.outputs.exit-code }} ${{ steps.gate.outputs.models-scanned }}
        run: echo "outputs $SEEN; sarif of $(wc -c <gate.sarif) bytes"
"""


@pytest.fixture
def repository(tmp_path: Path, root: Path, git: Git, short_policy: str) -> Path:
    """A copy of this repository in which GitHub has merged, for a trial, a change that adds two models."""
    place = tmp_path / "repository"
    place.mkdir()
    for name in ("action", "examples", "gate", "policies"):
        shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("action.yml", "pyproject.toml", "requirements-lock.txt", "README.md", "LICENSE"):
        shutil.copy(root / name, place)
    workflow = place / ".github/workflows/gate.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(WORKFLOW)
    (place / ".backdoor-gate.yaml").write_text(short_policy)
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "base")
    git(place, "checkout", "--quiet", "-b", "change")
    for model in ("clean.keras", "backdoored-patch.keras"):
        shutil.copy(root / "examples/models" / model, place)
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "add two models")
    git(place, "checkout", "--quiet", "main")
    git(place, "merge", "--quiet", "--no-ff", "--message", "trial", "change")
    return place


def test_a_pull_request_with_a_backdoored_model_fails(
    repository: Path, tmp_path: Path, root: Path, git: Git, tool: Callable[[str], str]
) -> None:
    python = re.search(r"actions/setup-python@[0-9a-f]{40}", (root / "action.yml").read_text())
    assert python
    # act fetches it from GitHub though the workflow skips it.
    nothing = action(tmp_path / "setup-python", git, {"action.yml": NOTHING})
    runner = Runner(act=tool("act"), home=tmp_path / "home", actions={python[0]: nothing})

    ran = runner.run(
        repository, "pull_request", {"pull_request": {"base": {"sha": git(repository, "rev-parse", "HEAD^")}}}
    )

    assert "outputs fail 1 2; sarif of" in ran.log, ran.log
    assert "1 failed, 1 passed" in ran.said("Summary - ")
    assert "::error file=backdoored-patch.keras" in ran.log
    assert "::error file=clean.keras" not in ran.log
    assert 1 == ran.code
