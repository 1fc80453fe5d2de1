"""What an event is compared with: `action/base.sh` on real repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ZEROS = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A pull request that GitHub has merged into the tip of main for a trial.

    ``fork`` is where it left main, and what the event names as its base; ``tip`` came later.
    """

    clone: Path
    origin: Path
    fork: str
    tip: str
    head: str
    merge: str


@pytest.fixture
def history(tmp_path: Path, git: Callable[..., str]) -> History:
    origin = tmp_path / "origin"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(origin))
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")  # as on GitHub

    def commit(message: str) -> str:
        git(origin, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(origin, "rev-parse", "HEAD")

    fork = commit("fork")
    git(origin, "checkout", "--quiet", "-b", "change")
    head = commit("head")
    git(origin, "checkout", "--quiet", "main")
    tip = commit("tip")
    git(origin, "checkout", "--quiet", "-b", "trial")
    git(origin, "merge", "--quiet", "--no-ff", "--message", "merge", "change")
    merge = git(origin, "rev-parse", "HEAD")
    return History(clone=tmp_path / "clone", origin=origin, fork=fork, tip=tip, head=head, merge=merge)


@pytest.fixture
def checkout(history: History, git: Callable[..., str]) -> Callable[..., None]:
    """Check a commit out as actions/checkout does: alone, without its parents."""

    def run(commit: str, depth: int = 1) -> None:
        git(history.origin, "branch", "wanted", commit)
        url = f"file://{history.origin}"
        arguments = ("--quiet", f"--depth={depth}", "--branch=wanted", "--single-branch")
        git(history.origin, "clone", *arguments, url, str(history.clone))

    return run


@pytest.fixture
def base(history: History, root: Path) -> Callable[..., tuple[int, str, str]]:
    """Run base.sh in the clone; return its exit code, what it prints, and its complaint."""

    def run(**environment: str) -> tuple[int, str, str]:
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), "bash"]
        done = subprocess.run(
            [*command, root / "action/base.sh"],
            cwd=history.clone,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    return run


@pytest.mark.parametrize("depth", [1, 2])
def test_a_trial_merge_is_compared_with_the_tip_of_main_and_not_with_the_stale_base(
    history: History,
    checkout: Callable[..., None],
    base: Callable[..., tuple[int, str, str]],
    git: Callable[..., str],
    depth: int,
) -> None:
    checkout(history.merge, depth)

    code, commit, _ = base(
        EVENT_NAME="pull_request", GITHUB_SHA=history.merge, EVENT_PULL_REQUEST_BASE=history.fork
    )

    assert (0, history.tip) == (code, commit)
    assert "commit" == git(history.clone, "cat-file", "-t", commit)


def test_the_head_of_a_pull_request_is_compared_with_the_base_of_the_event(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]]
) -> None:
    checkout(history.head)

    code, commit, _ = base(
        EVENT_NAME="pull_request", GITHUB_SHA=history.merge, EVENT_PULL_REQUEST_BASE=history.fork
    )

    assert (0, history.fork) == (code, commit)


def test_a_privileged_pull_request_that_checks_its_head_out_is_compared_with_its_base(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]]
) -> None:
    checkout(history.head)

    code, commit, _ = base(
        EVENT_NAME="pull_request_target", GITHUB_SHA=history.tip, EVENT_PULL_REQUEST_BASE=history.tip
    )

    assert (0, history.tip) == (code, commit)


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_a_checkout_of_the_base_branch_does_not_pass_for_one_without_changes(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]], event: str
) -> None:
    checkout(history.tip)

    code, commit, complaint = base(
        EVENT_NAME=event, GITHUB_SHA=history.tip, EVENT_PULL_REQUEST_BASE=history.tip
    )

    assert (3, "") == (code, commit)
    assert "the base branch is checked out" in complaint


def test_a_push_is_compared_with_the_commit_before_it(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]]
) -> None:
    checkout(history.tip)

    assert (0, history.fork, "") == base(EVENT_NAME="push", EVENT_BEFORE=history.fork)


def test_a_merge_group_is_compared_with_its_base(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]]
) -> None:
    checkout(history.merge)

    assert (0, history.tip, "") == base(EVENT_NAME="merge_group", EVENT_MERGE_GROUP_BASE=history.tip)


@pytest.mark.parametrize(
    "event",
    [
        {"EVENT_NAME": "push", "EVENT_BEFORE": ZEROS},
        {"EVENT_NAME": "schedule"},
        {"EVENT_NAME": "workflow_dispatch"},
        {"EVENT_NAME": "release"},
    ],
)
def test_an_event_without_a_base_means_every_model(
    history: History,
    checkout: Callable[..., None],
    base: Callable[..., tuple[int, str, str]],
    event: dict[str, str],
) -> None:
    checkout(history.tip)

    assert (0, "", "") == base(**event)


@pytest.mark.parametrize(
    "event",
    [
        {"EVENT_NAME": "push", "EVENT_BEFORE": "1" * 40},
        {"EVENT_NAME": "merge_group", "EVENT_MERGE_GROUP_BASE": ""},
        {"EVENT_NAME": "pull_request", "EVENT_PULL_REQUEST_BASE": ""},
        {"EVENT_NAME": "schedule", "GATE_BASE": "no-such-branch"},
        {"EVENT_NAME": "schedule", "GATE_BASE": "--upload-pack=touch x"},
    ],
)
def test_a_base_that_cannot_be_found_stops_the_gate(
    history: History,
    checkout: Callable[..., None],
    base: Callable[..., tuple[int, str, str]],
    event: dict[str, str],
) -> None:
    checkout(history.tip)

    code, commit, complaint = base(GITHUB_SHA=history.tip, **event)

    assert (3, "") == (code, commit)
    assert complaint


@pytest.mark.parametrize("name", ["change", "origin/change"])
def test_the_users_base_wins_and_is_fetched(
    history: History, checkout: Callable[..., None], base: Callable[..., tuple[int, str, str]], name: str
) -> None:
    checkout(history.tip)

    assert (0, history.head, "") == base(EVENT_NAME="push", EVENT_BEFORE=ZEROS, GATE_BASE=name)


def test_a_tag_of_the_same_name_is_not_the_branch(
    history: History, git: Callable[..., str], base: Callable[..., tuple[int, str, str]]
) -> None:
    """Whoever may push tags must not choose what a change is compared with."""
    git(history.origin, "tag", "change", history.merge)
    git(history.origin, "tag", "origin/change", history.merge)
    git(history.origin, "clone", "--quiet", str(history.origin), str(history.clone))

    assert (0, history.head) == base(EVENT_NAME="push", EVENT_BEFORE=ZEROS, GATE_BASE="change")[:2]
    assert (0, history.head) == base(EVENT_NAME="push", EVENT_BEFORE=ZEROS, GATE_BASE="origin/change")[:2]
    assert (0, history.merge) == base(EVENT_NAME="push", EVENT_BEFORE=ZEROS, GATE_BASE="refs/tags/change")[:2]


def test_a_commit_beside_the_head_is_the_checkout_s(
    history: History, git: Callable[..., str], base: Callable[..., tuple[int, str, str]]
) -> None:
    git(history.origin, "checkout", "--quiet", "main")
    git(history.origin, "clone", "--quiet", str(history.origin), str(history.clone))
    git(history.clone, "checkout", "--quiet", history.merge)

    assert (0, history.tip) == base(EVENT_NAME="schedule", GATE_BASE="HEAD^")[:2]


def test_a_full_clone_stays_full(
    history: History, git: Callable[..., str], base: Callable[..., tuple[int, str, str]]
) -> None:
    git(
        history.origin,
        "clone",
        "--quiet",
        "--single-branch",
        "--branch=main",
        str(history.origin),
        str(history.clone),
    )

    assert (0, history.head, "") == base(EVENT_NAME="schedule", GATE_BASE="change")
    assert "false" == git(history.clone, "rev-parse", "--is-shallow-repository")
