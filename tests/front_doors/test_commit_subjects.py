"""Subjects of commits are checked wherever git knows them, and nowhere else does the check stand in the way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]
GOOD = "docs: show the path of one verdict"


@pytest.fixture
def repo(root: Path, tmp_path: Path, git: Git) -> Path:
    """A repository with the script and one commit."""
    top = tmp_path / "repo"
    (top / ".ci").mkdir(parents=True)
    shutil.copy(root / ".ci" / "commit_subjects.py", top / ".ci")
    git(top, "init", "-q", "-b", "main")
    commit(git, top, GOOD)
    return top


def commit(git: Git, top: Path, subject: str) -> None:
    git(top, "commit", "-q", "--allow-empty", "-m", subject)


def checked(top: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, top / ".ci" / "commit_subjects.py", *arguments]
    done = subprocess.run(command, cwd=top.parent, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "subject",
    [
        GOOD,
        "cli, docs: name the option",
        "adr 35: decide",
        "x" * 3 + ": " + "y" * 67,
        'Revert "anything: ' + "y" * 80,
        "Merge 0123456 into 89abcde",
        "docs: address a reader",
        "models: usual ranges first",
    ],
)
def test_a_good_subject_passes(repo: Path, git: Git, subject: str) -> None:
    commit(git, repo, subject)

    assert (0, "commit subjects: 2 checked, 0 to mend\n", "") == checked(repo)


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("x" * 3 + ": " + "y" * 68, "received 73 characters, expected at most 72"),
        ("show the path", "received no area in small letters, expected 'area: imperative summary'"),
        ("Docs: show the path", "received no area in small letters"),
        ("docs:show the path", "received no area in small letters"),
        ("docs: show the path.", "received a full stop at the end"),
        ("docs: added the path", "received 'added' as its verb"),
        ("docs: fixes the path", "received 'fixes' as its verb"),
        ("docs: updating the path", "received 'updating' as its verb"),
    ],
)
def test_a_bad_subject_is_named_with_what_is_wrong(repo: Path, git: Git, subject: str, problem: str) -> None:
    commit(git, repo, subject)

    code, out, err = checked(repo)

    assert (1, "commit subjects: 2 checked, 1 to mend\n") == (code, out)
    assert f"{git(repo, 'rev-parse', '--short', 'HEAD')} {subject!r}: {problem}" in err


def test_only_what_the_branch_adds_is_checked(repo: Path, git: Git) -> None:
    commit(git, repo, "bad")
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(git, repo, GOOD)

    assert (0, "commit subjects: 1 checked, 0 to mend\n", "") == checked(repo)


def test_on_the_main_branch_the_last_ones_are_checked(repo: Path, git: Git) -> None:
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")

    assert (0, "commit subjects: 1 checked, 0 to mend\n", "") == checked(repo)


def test_commits_from_before_the_rule_are_left_alone(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-01T00:00:00Z")
    git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "bad")

    assert (0, "commit subjects: 0 checked, 0 to mend\n", "") == checked(repo)


def test_a_shallow_clone_is_checked_as_far_as_it_goes(repo: Path, git: Git, tmp_path: Path) -> None:
    (repo / ".gitignore").touch()
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "ci: bring the script")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")

    assert (0, "commit subjects: 1 checked, 0 to mend\n", "") == checked(tmp_path / "shallow")


@pytest.mark.parametrize("is_within", [False, True])
def test_a_copy_without_git_passes_and_says_so(repo: Path, git: Git, tmp_path: Path, is_within: bool) -> None:
    top = repo / "copy" if is_within else tmp_path / "copy"
    shutil.copytree(repo / ".ci", top / ".ci")

    code, out, err = checked(top)

    assert (0, "") == (code, err)
    assert out.startswith("commit subjects: none checked, git cannot tell (")


def test_a_hook_can_ask_before_the_commit(repo: Path, tmp_path: Path) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text("docs: show the path.\n\nAnd why.\n")

    code, _, err = checked(repo, str(message))

    assert 1 == code
    assert err.startswith("this commit 'docs: show the path.': received a full stop")
