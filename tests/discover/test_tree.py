"""The files of a commit are read as the commit holds them, whatever the working tree says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.discover.base import resolve
from gate.discover.tree import Tree


@pytest.fixture
def tree(repo: Any) -> Tree:
    repo.write("ci/policy.yaml", b"trusted")
    (repo.top / "link.yaml").symlink_to("ci/policy.yaml")
    repo.commit()
    return Tree(base=resolve("main", repo.top, repo.environ), environ=repo.environ)


def test_a_file_is_read_from_the_commit(repo: Any, tree: Tree) -> None:
    file = repo.write("ci/policy.yaml", b"changed")

    assert (True, b"trusted", b"tru") == (tree.holds(file), tree.read(file, 99), tree.read(file, 3))
    assert f"{tree.base.commit[:12]}:ci/policy.yaml" == tree.label(file)


def test_a_folder_that_became_a_link_leads_nowhere_else(repo: Any, tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"lax")
    (repo.top / "ci/policy.yaml").unlink()
    (repo.top / "ci").rmdir()
    (repo.top / "ci").symlink_to(tmp_path)

    assert b"trusted" == tree.read(repo.top / "ci/policy.yaml", 99)


def test_a_link_from_outside_does_not_lead_around_the_commit(repo: Any, tree: Tree, tmp_path: Path) -> None:
    repo.write("ci/policy.yaml", b"changed")
    (tmp_path / "way-in").symlink_to(repo.top / "ci")

    assert b"trusted" == tree.read(tmp_path / "way-in/policy.yaml", 99)


def test_a_file_outside_the_repository_is_read_where_it_lies(tree: Tree, tmp_path: Path) -> None:
    file = tmp_path / "organisation.yaml"
    assert not tree.holds(file)
    file.write_bytes(b"ours")

    assert (True, b"ours", file.as_posix()) == (tree.holds(file), tree.read(file, 99), tree.label(file))


@pytest.mark.parametrize(("name", "is_there"), [("new.yaml", False), ("link.yaml", True), ("ci", True)])
def test_what_the_commit_holds_as_no_file_cannot_be_read(
    repo: Any, tree: Tree, name: str, is_there: bool
) -> None:
    repo.write("new.yaml", b"of the change")

    assert is_there == tree.holds(repo.top / name)
    with pytest.raises(OSError, match="no regular file in"):
        tree.read(repo.top / name, 99)


def test_only_what_the_change_itself_touches_counts(repo: Any, tmp_path: Path) -> None:
    for name in ("same", "theirs", "ours", "gone"):
        repo.write(name, b"0")
    repo.commit()
    repo.git("branch", "change")
    repo.write("theirs", b"1")
    repo.commit()
    repo.git("checkout", "-q", "change")
    repo.write("ours", b"1")
    repo.git("rm", "-q", "gone")
    repo.commit()
    repo.write("untracked", b"1")
    tree = Tree(base=resolve("main", repo.top, repo.environ), environ=repo.environ)

    names = ("same", "theirs", "ours", "gone", "untracked", "never")
    assert ("gone", "ours", "untracked") == tree.touched(
        [*(repo.top / name for name in names), tmp_path / "x"]
    )
