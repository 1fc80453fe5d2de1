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
def run(
    root: Path, project: Path, tmp_path: Path, git: Callable[..., str], tool: Callable[[str], str]
) -> Callable[[str], Done]:
    """Stage everything in the project, and run one of our hooks on it."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in PACKAGE:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, hooks / name)
    git(hooks, "init", "--quiet")
    git(hooks, "add", ".")
    git(hooks, "commit", "--quiet", "--message", "hooks")

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
    run: Callable[[str], Done], project: Path, root: Path
) -> None:
    for name in ("clean.keras", "backdoored-patch.keras"):
        shutil.copy(root / "examples/models" / name, project)

    done = run("backdoor-gate")

    assert 1 == done.returncode
    assert "1 failed · 1 passed" in done.stdout, done.stdout


def test_the_triage_hook_needs_no_engine(run: Callable[[str], Done], project: Path, root: Path) -> None:
    shutil.copy(root / "examples/models/backdoored-patch.keras", project)

    done = run("backdoor-gate-triage")

    assert 0 == done.returncode, done.stdout


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
