"""What git changed is what is scanned: neither less, nor another content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def scanned(folder: Path) -> dict[str, str]:
    """Return path -> digest of the models in the report."""
    report = json.loads((folder / "report.json").read_text())
    return {entry["path"]: entry["sha256"] for entry in report["artifacts"]}


def test_the_index_is_scanned_and_not_the_working_tree(cli: Cli, repo: Any, tmp_path: Path) -> None:
    model = repo.top / "model.h5"
    model.write_bytes(b"as it will be committed")
    repo.git("add", "model.h5")
    model.write_bytes(b"as it lies here")

    outcome = cli("check", "--staged", "--output", "json=../report.json", cwd=repo.top, environ=repo.environ)

    assert 3 == outcome.code
    assert {"model.h5": hashlib.sha256(b"as it will be committed").hexdigest()} == scanned(tmp_path)


def test_only_models_that_differ_from_the_base_are_scanned(cli: Cli, repo: Any, tmp_path: Path) -> None:
    for name in ("old.h5", "changed.h5"):
        (repo.top / name).write_bytes(b"old")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "old")
    repo.git("switch", "-q", "-c", "topic")
    (repo.top / "changed.h5").write_bytes(b"new")
    repo.git("commit", "-q", "-a", "-m", "new")

    arguments = ("check", "--diff", "main", "--output", "json=../report.json")
    outcome = cli(*arguments, cwd=repo.top, environ=repo.environ)

    assert 3 == outcome.code
    assert {"changed.h5": hashlib.sha256(b"new").hexdigest()} == scanned(tmp_path)


@pytest.mark.parametrize("policy", ["research", "default"])
def test_a_base_that_git_does_not_know_is_never_no_change(
    cli: Cli, repo: Any, tmp_path: Path, policy: str
) -> None:
    (repo.top / ".backdoor-gate.yaml").write_text(f"version: 1\nextends: {policy}\nexclude: ['**', '.']\n")
    outputs = [f"--output={name}={tmp_path / name}" for name in ("json", "sarif", "junit", "github")]

    outcome = cli("check", "--diff", "origin/main", *outputs, cwd=repo.top, environ=repo.environ)

    report = json.loads((tmp_path / "json").read_text())
    assert (3, "incomplete", 3) == (outcome.code, report["verdict"], report["exit_code"])
    assert ["."] == [entry["path"] for entry in report["artifacts"]]
    assert "0 models" not in outcome.out
    told = [
        outcome.out.replace("\n", " "),
        *((tmp_path / name).read_text() for name in ("sarif", "junit", "github")),
    ]
    assert all("it is not known which models changed" in " ".join(text.split()) for text in told)


def test_a_change_without_models_passes_and_says_so(cli: Cli, repo: Any) -> None:
    (repo.top / "notes.txt").write_text("hello")
    repo.git("add", ".")

    outcome = cli("check", "--staged", cwd=repo.top, environ=repo.environ)

    assert (0, "") == (outcome.code, outcome.err)
    assert "No model is changed in the index." in outcome.out


def test_outside_a_repository_the_user_is_told_where_to_run_it(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("check", "--staged", cwd=tmp_path, environ={"GIT_CEILING_DIRECTORIES": str(tmp_path)})

    assert 2 == outcome.code
    assert "Run the gate inside the repository" in outcome.err


def test_a_list_of_names_comes_in_nul_separated(cli: Cli, cheap: Path) -> None:
    names = b"empty.h5\0notes.txt\0text.h5\0"

    outcome = cli("check", "--files-from", "-", "--output", "json=report.json", cwd=cheap, stdin=names)

    assert 3 == outcome.code
    assert {"empty.h5", "text.h5"} == set(scanned(cheap))
    assert "1 listed name(s) do not look like models." in outcome.out


def test_an_empty_list_passes_and_says_so(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("check", "--files-from", "-", cwd=tmp_path)

    assert 0 == outcome.code
    assert "The list names no model." in outcome.out


def test_a_listed_model_that_is_not_here_stops_the_build(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("check", "--files-from", "-", cwd=tmp_path, stdin=b"gone.keras\n")

    assert 3 == outcome.code
    assert "listed, but not here" in outcome.out


def test_what_the_policy_excludes_is_named(cli: Cli, cheap: Path) -> None:
    (cheap / "policy.yaml").write_text("version: 1\nexclude: ['empty.h5', 'text.h5']\n")

    outcome = cli("check", "empty.h5", "text.h5", "--policy", "policy.yaml", cwd=cheap)

    assert 0 == outcome.code
    said = " ".join(outcome.out.split())
    assert "excludes 2 model(s), which were not scanned: empty.h5, text.h5." in said
