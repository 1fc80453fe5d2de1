from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gate.core.errors import IncompleteError, UsageError
from gate.discover import repository
from gate.discover.git import changed, staged
from gate.discover.repository import git, line, shielded, top_of


def _program(directory: Path, script: str) -> str:
    """Return a search path on which git is a script; it finds the real one as $GIT."""
    program = directory / "git"
    program.write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}\n")
    program.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


def test_git_sees_neither_the_directory_of_a_hook_nor_translations() -> None:
    environ = {
        "PATH": "/bin",
        "GIT_DIR": ".git",
        "GIT_INDEX_FILE": "i",
        "GIT_CONFIG_COUNT": "0",
        "LC_ALL": "de_DE",
    }

    assert {
        "PATH": "/bin",
        "GIT_INDEX_FILE": "i",
        "GIT_CONFIG_COUNT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    } == shielded(environ)


def test_a_misleading_git_dir_is_ignored(repo: Any, tmp_path: Path) -> None:
    repo.write("sub/m.h5", b"1")
    repo.git("add", "-A")
    misled = repo.environ | {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_WORK_TREE": "/"}

    assert ["sub/m.h5"] == [candidate.path for candidate in staged(repo.top / "sub", misled).candidates]


def test_the_top_may_have_any_name(repo: Any) -> None:
    odd = repo.top / "line\nbreak\n"
    odd.mkdir()
    repo.git("init", "-q", str(odd))

    assert odd == top_of(odd, repo.environ)
    assert "a\n" == line(b"a\n\n")


def test_no_repository_is_a_usage_error(repo: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a git repository"):
        staged(tmp_path, repo.environ)


def test_git_must_be_installed(repo: Any, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="git cannot be started: No such file"):
        changed("main", repo.top, repo.environ | {"PATH": str(tmp_path)})


def test_a_repository_of_another_user_says_how_to_trust_it(repo: Any, tmp_path: Path) -> None:
    (repo.top / "sub").mkdir()
    strict = {"PATH": _program(tmp_path, 'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec $GIT "$@"')}

    with pytest.raises(IncompleteError, match="git does not trust") as caught:
        staged(repo.top / "sub", repo.environ | strict)

    assert f"`git config --global --add safe.directory {repo.top}`" == caught.value.hint


def test_what_git_says_when_it_fails_is_shown(repo: Any) -> None:
    with pytest.raises(
        IncompleteError, match=r"`git merge-base gone \.\.\.` failed with status 128: fatal: Not a"
    ):
        git(("merge-base", "gone", "HEAD"), repo.top, repo.environ)


def test_git_does_not_wait_for_ever(repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "_TIMEOUT", 0.2)

    with pytest.raises(IncompleteError, match=r"`git status` did not finish within 0\.2 seconds"):
        git(("status",), repo.top, {"PATH": _program(tmp_path, "exec sleep 60")})
