"""The hooks as pre-commit installs and runs them from this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Done = subprocess.CompletedProcess[str]

PACKAGE = ("gate", "policies", "examples", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


@pytest.fixture
def project(tmp_path: Path, git: Callable[..., str]) -> Path:
    """An empty repository of a user."""
    place = tmp_path / "project"
    git(tmp_path, "init", "--quiet", str(place))
    return place


@pytest.fixture
def hooks(root: Path, tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository that offers our hooks."""
    place = tmp_path / "hooks"
    place.mkdir()
    for name in PACKAGE:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, place / name)
    git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "hooks")
    return place


@pytest.fixture
def run(
    hooks: Path, project: Path, tmp_path: Path, git: Callable[..., str], tool: Callable[[str], str]
) -> Callable[[str], Done]:
    """Stage everything in the project, and run one of our hooks on it."""

    def run_hook(name: str) -> Done:
        git(project, "add", ".")
        return subprocess.run(
            [tool("pre-commit"), "try-repo", hooks, name, "--all-files", "--verbose"],
            cwd=project,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
            check=False,
            capture_output=True,
            text=True,
        )

    return run_hook


def test_the_full_hook_stops_a_backdoored_model_and_no_clean_one(
    run: Callable[[str], Done], project: Path, root: Path, short_policy: str
) -> None:
    (project / ".backdoor-gate.yaml").write_text(short_policy)
    for name in ("clean.keras", "backdoored-patch.keras"):
        shutil.copy(root / "examples/models" / name, project)

    done = run("backdoor-gate")

    assert 1 == done.returncode
    assert "1 failed · 1 passed" in done.stdout, done.stdout


def test_a_model_named_like_an_option_is_a_model(
    run: Callable[[str], Done], project: Path, root: Path
) -> None:
    shutil.copy(root / "examples/models/clean.keras", project / "--exit-zero.keras")
    (project / "broken.h5").write_text("no model")

    done = run("backdoor-gate-triage")

    assert 1 == done.returncode
    assert "--exit-zero.keras" in done.stdout
    assert "exit code: 3" in done.stdout, done.stdout


def test_the_policy_hook_refuses_a_misspelt_policy(run: Callable[[str], Done], project: Path) -> None:
    (project / ".backdoor-gate.yaml").write_text("version: 1\nprofil: quick\n")

    done = run("backdoor-gate-policy")

    assert 1 == done.returncode
    assert "profil" in done.stdout
    assert "exit code: 2" in done.stdout, done.stdout


CONFIGURATION = """
repos:
  - repo: {hooks}
    rev: {revision}
    hooks:
      - id: backdoor-gate-triage
"""


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_a_commit_is_stopped_by_what_it_brings(
    hooks: Path,
    project: Path,
    tmp_path: Path,
    root: Path,
    git: Callable[..., str],
    tool: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    for variable in ("PRE_COMMIT_HOME", "PREK_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    configuration = CONFIGURATION.format(hooks=hooks, revision=git(hooks, "rev-parse", "HEAD"))
    (project / ".pre-commit-config.yaml").write_text(configuration)
    subprocess.run([tool(name), "install"], cwd=project, check=True, capture_output=True)

    def commit(model: str, content: bytes) -> Done:
        (project / model).write_bytes(content)
        git(project, "add", ".")
        command = ["git", "commit", "--message", model]
        return subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)

    # Static checks say nothing of a backdoor in the weights.
    whole = commit("whole.keras", (root / "examples/models/backdoored-patch.keras").read_bytes())
    broken = commit("broken.h5", b"no model")

    assert 0 == whole.returncode, whole.stderr
    assert 1 == broken.returncode
    assert "exit code: 3" in broken.stdout + broken.stderr
    assert "whole.keras" == git(project, "log", "-1", "--format=%s")
