"""Models that git does not hold itself: the real git-lfs and dvc, each with a remote in a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Git = Callable[..., str]


@pytest.fixture
def model(root: Path) -> Path:
    return root / "examples/models/clean.keras"


@pytest.fixture
def check(cli: Cli, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Check statically; return the exit code and the entry of the only model."""
    folders = {
        "BACKDOOR_GATE_NO_CACHE": "0",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def run(where: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
        output = f"--output=json={tmp_path / 'report.json'}"
        outcome = cli("check", "--static", output, *arguments, cwd=where, environ=folders)
        (entry,) = json.loads((tmp_path / "report.json").read_text())["artifacts"]
        return outcome.code, entry

    return run


@pytest.fixture
def lfs(
    tmp_path: Path, git: Git, tool: Callable[[str], str], model: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A bare remote whose main holds a model in Git LFS; every clone of it uses git-lfs."""
    tool("git-lfs")
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    origin, work = tmp_path / "origin.git", tmp_path / "work"
    git(tmp_path, "lfs", "install", "--skip-repo")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    git(tmp_path, "clone", "--quiet", origin.as_uri(), str(work))
    git(work, "checkout", "--quiet", "-B", "main")
    git(work, "lfs", "track", "*.keras")
    shutil.copy(model, work / "m.keras")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "model")
    git(work, "push", "--quiet", "origin", "main")
    return origin


def test_a_clone_with_its_objects_is_scanned_staged_or_not(
    lfs: Path, tmp_path: Path, git: Git, check: Callable[..., tuple[int, dict[str, Any]]], model: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", lfs.as_uri(), str(clone))
    git(clone, "mv", "m.keras", "moved.keras")

    found = check(clone), check(clone, "--staged")

    assert [0, 0] == [code for code, _ in found]
    assert {model.stat().st_size} == {entry["size"] for _, entry in found}


def test_a_pointer_stops_the_build_until_its_object_or_its_verdict_is_here(
    lfs: Path,
    tmp_path: Path,
    git: Git,
    check: Callable[..., tuple[int, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    model: Path,
) -> None:
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")
    bare, known = tmp_path / "bare", tmp_path / "known"
    for clone in (bare, known):
        git(tmp_path, "clone", "--quiet", lfs.as_uri(), str(clone))
    assert (bare / "m.keras").stat().st_size < 200

    code, entry = check(bare)
    git(bare, "lfs", "pull")
    pulled, whole = check(bare)
    cached, same = check(known)

    assert (3, "lfs-pointer") == (code, entry["format"])
    assert "git lfs pull" in entry["not_checked"][0]
    assert (0, 0) == (pulled, cached)
    assert (known / "m.keras").stat().st_size < 200
    assert {**whole, "cached": True} == same


def test_a_change_compares_with_an_object_that_was_fetched(
    lfs: Path, tmp_path: Path, git: Git, check: Callable[..., tuple[int, dict[str, Any]]], root: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", lfs.as_uri(), str(clone))
    git(clone, "checkout", "--quiet", "-b", "topic")
    shutil.copy(root / "examples/models/backdoored-patch.keras", clone / "m.keras")
    git(clone, "commit", "--quiet", "--all", "--message", "another")

    code, entry = check(clone, "--diff", "main")

    assert 0 == code
    assert entry["difference"]["changed_layers"]


@pytest.fixture
def dvc(tmp_path: Path) -> Callable[..., None]:
    """Run dvc, which needs an environment of its own: `DVC` names it, else it is looked for on the PATH."""
    found = os.environ.get("DVC") or shutil.which("dvc")
    if not found:
        pytest.skip("dvc is not installed; make it an environment of its own and name it: DVC=.../bin/dvc")
    home = {"HOME": str(tmp_path / "home"), "DVC_NO_ANALYTICS": "1"}

    def run(where: Path, *arguments: str) -> None:
        command = [found, *arguments, "--quiet"]
        subprocess.run(command, cwd=where, check=True, env=os.environ | home, capture_output=True)

    return run


@pytest.mark.slow
def test_a_model_that_dvc_tracks_is_scanned_where_it_was_pulled(
    tmp_path: Path,
    git: Git,
    dvc: Callable[..., None],
    check: Callable[..., tuple[int, dict[str, Any]]],
    model: Path,
) -> None:
    work, clone = tmp_path / "work", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    dvc(work, "init")
    dvc(work, "remote", "add", "--default", "here", str(tmp_path / "remote"))
    shutil.copy(model, work / "m.keras")
    dvc(work, "add", "m.keras")
    dvc(work, "push")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "model")
    git(tmp_path, "clone", "--quiet", str(work), str(clone))

    missing, entry = check(clone, "m.keras.dvc")
    dvc(clone, "pull")
    pulled, whole = check(clone, "m.keras.dvc")

    assert (3, "dvc-pointer") == (missing, entry["format"])
    assert "dvc pull" in entry["not_checked"][0]
    assert (0, "m.keras", model.stat().st_size) == (pulled, whole["path"], whole["size"])
