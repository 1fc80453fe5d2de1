"""The action in a real runner (act): a pull request that adds a model, from installation to verdict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
def pull_request(tmp_path: Path, root: Path, git: Callable[..., str]) -> Callable[[str], Path]:
    """Make a copy of this repository in which GitHub has merged, for a trial, a change that adds one model."""

    def make(model: str) -> Path:
        place = tmp_path / "repository"
        place.mkdir()
        for name in ("action", "examples", "gate", "policies"):
            shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("action.yml", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, place)
        workflow = place / ".github/workflows/gate.yml"
        workflow.parent.mkdir(parents=True)
        workflow.write_text(WORKFLOW)
        git(place, "init", "--quiet", "--initial-branch=main")
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", "base")
        git(place, "checkout", "--quiet", "-b", "change")
        shutil.copy(root / "examples/models" / model, place)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", "add a model")
        git(place, "checkout", "--quiet", "main")
        git(place, "merge", "--quiet", "--no-ff", "--message", "trial", "change")
        return place

    return make


@pytest.fixture
def setup_python(root: Path, tmp_path: Path, git: Callable[..., str]) -> str:
    """Stand in for setup-python, which act fetches from GitHub though the workflow skips it."""
    place = tmp_path / "setup-python"
    place.mkdir()
    (place / "action.yml").write_text("{name: n, description: d, runs: {using: composite, steps: []}}")
    git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "nothing")
    pinned = re.search(r"actions/setup-python@[0-9a-f]{40}", (root / "action.yml").read_text())
    assert pinned is not None
    return f"{pinned[0]}={place}"


@pytest.fixture
def act(
    tmp_path: Path, git: Callable[..., str], tool: Callable[[str], str], setup_python: str
) -> Callable[[Path], str]:
    """Run the repository's workflow, and return what the runner logs."""

    def run(repository: Path) -> str:
        home = tmp_path / "home"
        (home / ".config/act").mkdir(parents=True)
        event = tmp_path / "event.json"
        event.write_text(
            json.dumps({"pull_request": {"base": {"sha": git(repository, "rev-parse", "HEAD^")}}})
        )
        command = [tool("act"), "pull_request", "--eventpath", str(event)]
        flags = ["--platform=ubuntu-latest=-self-hosted", "--action-offline-mode"]
        flags += [f"--local-repository={setup_python}"]
        done = subprocess.run(
            [*command, *flags],
            cwd=repository,
            env={**os.environ, "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return f"{done.stdout}{done.stderr}\nrunner ended with {done.returncode}"

    return run


def test_a_pull_request_with_a_backdoored_model_fails(
    pull_request: Callable[[str], Path], act: Callable[[Path], str]
) -> None:
    log = act(pull_request("backdoored-patch.keras"))

    assert "outputs fail 1 1; sarif of" in log, log
    assert "::error file=backdoored-patch.keras" in log
    assert "runner ended with 1" in log


def test_a_pull_request_with_a_clean_model_passes(
    pull_request: Callable[[str], Path], act: Callable[[Path], str]
) -> None:
    log = act(pull_request("clean.keras"))

    assert "outputs pass 0 1; sarif of" in log, log
    assert "runner ended with 0" in log
