from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.core.errors import IncompleteError, UsageError
from gate.discover.git import blob_size, changed, lfs_object, read_blob, staged
from gate.discover.selection import Selection

_ODD_NAMES = (
    "a b.h5",
    "line\nbreak.h5",
    "quo\"te's.keras",
    "mödel.hdf5",
    "-dash.h5",
    "ta\tb/x.h5",
    ":(top).h5",
)


def _paths(selection: Selection) -> list[str]:
    return [candidate.path for candidate in selection.candidates]


def _content(repo: Any, blob: str, tmp_path: Path) -> bytes:
    with (tmp_path / "copy").open("wb") as target:
        read_blob(blob, target, repo.top, repo.environ)
    return (tmp_path / "copy").read_bytes()


def test_the_index_is_selected_not_the_working_tree(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", b"staged")
    repo.git("add", "m.h5")
    repo.write("m.h5", b"later edit")
    repo.write("untracked.h5", b"x")

    (candidate,) = staged(repo.top, repo.environ).candidates

    assert ("m.h5", repo.top / "m.h5") == (candidate.path, candidate.file)
    assert b"staged" == _content(repo, candidate.blob, tmp_path)
    assert len(b"staged") == blob_size(candidate.blob, repo.top, repo.environ)


def test_a_blob_that_is_not_there_is_incomplete(repo: Any, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match=r"`git cat-file blob \.\.\.` failed with status 128"):
        _content(repo, "0" * 39 + "1", tmp_path)


def test_only_models_that_a_commit_adds_or_changes_are_selected(repo: Any) -> None:
    for name in ("same.h5", "edited.h5", "deleted.h5", "old.h5"):
        repo.write(name, name.encode())
    base = repo.commit()
    repo.write("edited.h5", b"2")
    repo.write("new.keras", b"3")
    repo.write("readme.md", b"4")
    repo.git("rm", "-q", "deleted.h5")
    repo.git("mv", "old.h5", "renamed.h5")
    repo.git("add", "-A")

    expected = ["edited.h5", "new.keras", "renamed.h5"]
    assert expected == _paths(staged(repo.top, repo.environ))
    repo.commit()
    assert expected == _paths(changed(base, repo.top, repo.environ))


def test_names_with_spaces_line_breaks_quotes_and_letters_beyond_ascii_work(repo: Any) -> None:
    base = repo.commit()
    for name in _ODD_NAMES:
        repo.write(name, name.encode())
    repo.write(os.fsdecode(b"latin\xf6.h5"), b"x")
    repo.git("add", "-A")

    expected = sorted((*_ODD_NAMES, os.fsdecode(b"latin\xf6.h5")))
    assert expected == _paths(staged(repo.top, repo.environ))
    assert expected == _paths(changed(base, repo.top, repo.environ))


def test_settings_that_hide_changes_have_no_effect(repo: Any) -> None:
    repo.write("old.h5", b"content" * 50)
    repo.commit()
    repo.write("sub/x.md", b"x")
    repo.git("mv", "old.h5", "renamed.h5")
    for key, value in {"diff.relative": "true", "diff.renames": "copies", "diff.external": "false"}.items():
        repo.git("config", key, value)

    assert ["renamed.h5"] == _paths(staged(repo.top / "sub", repo.environ))


def test_a_subdirectory_stands_for_the_whole_repository(repo: Any) -> None:
    base = repo.commit()
    repo.write("sub/a.h5", b"1")
    repo.write("b.h5", b"2")
    repo.commit()

    selection = changed(base, repo.top / "sub", repo.environ)

    assert ["b.h5", "sub/a.h5"] == _paths(selection)
    assert repo.top / "sub/a.h5" == selection.candidates[1].file


def test_uncommitted_edits_count_and_untracked_files_do_not(repo: Any) -> None:
    repo.write("m.h5", b"1")
    base = repo.commit()
    repo.write("m.h5", b"22")
    repo.write("untracked.h5", b"3")

    (candidate,) = changed(base, repo.top, repo.environ).candidates

    assert ("m.h5", "") == (candidate.path, candidate.blob)


def test_what_the_base_branch_did_since_is_not_selected(repo: Any) -> None:
    repo.commit()
    repo.git("branch", "feature")
    repo.write("theirs.h5", b"1")
    repo.commit()
    repo.git("checkout", "-q", "feature")
    repo.write("ours.h5", b"2")
    repo.commit()

    assert ["ours.h5"] == _paths(changed("main", repo.top, repo.environ))


def test_without_a_common_ancestor_the_base_itself_counts(repo: Any) -> None:
    repo.write("same.h5", b"1")
    repo.commit()
    repo.git("checkout", "-q", "--orphan", "other")
    repo.write("new.h5", b"2")
    repo.commit()

    assert ["new.h5"] == _paths(changed("main", repo.top, repo.environ))


def test_nothing_changed_is_said(repo: Any) -> None:
    head = repo.commit()

    assert ("No model is changed in the index.",) == staged(repo.top, repo.environ).notices
    assert (f"No model differs from main ({head[:12]}).",) == changed("main", repo.top, repo.environ).notices


def test_the_first_commit_can_be_checked(repo: Any) -> None:
    repo.write("m.h5", b"1")
    repo.git("add", "-A")

    assert ["m.h5"] == _paths(staged(repo.top, repo.environ))


@pytest.mark.parametrize(
    "base", ["gone", "origin/gone", "", "0" * 40, "f" * 40, "main..HEAD", ":m.h5", "a\n"]
)
def test_an_unknown_base_is_incomplete_never_empty(repo: Any, base: str) -> None:
    repo.write("m.h5", b"1")
    repo.commit()

    with pytest.raises(
        IncompleteError, match="--diff: expected a commit that this repository holds"
    ) as caught:
        changed(base, repo.top, repo.environ)

    assert "git fetch origin" in caught.value.hint or "--diff origin/main" in caught.value.hint


@pytest.mark.parametrize("base", ["origin/main", "origin/main~0"])
def test_a_name_of_a_branch_and_of_a_tag_is_refused(repo: Any, base: str) -> None:
    """git would take the tag, and whoever may push tags would choose what a change is compared with, and its policy."""
    repo.write("m.h5", b"1")
    before = repo.commit()
    repo.git("update-ref", "refs/remotes/origin/main", before)
    assert not changed("origin/main", repo.top, repo.environ).candidates
    repo.write("m.h5", b"2")
    repo.git("tag", "origin/main", repo.commit())

    with pytest.raises(
        IncompleteError, match="names refs/remotes/origin/main and refs/tags/origin/main"
    ) as caught:
        changed(base, repo.top, repo.environ)

    assert "--diff refs/" in caught.value.hint
    assert ["m.h5"] == _paths(changed("refs/remotes/origin/main", repo.top, repo.environ))


def test_a_base_that_git_would_take_for_an_option_is_refused(repo: Any) -> None:
    with pytest.raises(UsageError, match="take for an option"):
        changed("--output=/tmp/x", repo.top, repo.environ)


@pytest.mark.parametrize("base", ["origin/base", "base", "SHA"])
def test_in_a_shallow_clone_the_hint_fetches_the_base(repo: Any, tmp_path: Path, base: str) -> None:
    repo.write("same.h5", b"1")
    base = base.replace("SHA", repo.commit())
    repo.git("branch", "base")
    repo.write("new.h5", b"2")
    repo.commit()
    clone = tmp_path / "clone"
    repo.git("clone", "-q", "--depth=1", f"file://{repo.top}", str(clone))

    with pytest.raises(IncompleteError, match="this shallow clone holds") as caught:
        changed(base, clone, repo.environ)
    command = re.findall("`(git fetch .*?)`", caught.value.hint)[0]
    subprocess.run(shlex.split(command), cwd=clone, env=repo.environ, check=True)

    assert ["new.h5"] == _paths(changed(base, clone, repo.environ))


def test_a_submodule_is_a_gap_even_if_gitmodules_hides_it(repo: Any, tmp_path: Path) -> None:
    base = repo.commit()
    repo.git("init", "-q", str(tmp_path / "lib"))
    repo.git("-C", str(tmp_path / "lib"), "commit", "-q", "--allow-empty", "-m", "x")
    repo.git("submodule", "add", "-q", str(tmp_path / "lib"), "lib.h5")
    repo.git("config", "-f", ".gitmodules", "submodule.lib.h5.ignore", "all")
    repo.git("add", ".gitmodules")

    for selection in (staged(repo.top, repo.environ), changed(base, repo.top, repo.environ)):
        ((path, gap),) = selection.gaps
        assert ("lib.h5", "BD002") == (path, gap.rule)
        assert "Run the gate inside it, and exclude its path" in gap.message
        assert not selection.candidates


def test_a_symbolic_link_is_a_gap(repo: Any) -> None:
    repo.write("m.h5", b"1")
    base = repo.commit()
    (repo.top / "m.h5").unlink()
    (repo.top / "m.h5").symlink_to("elsewhere")
    (repo.top / "notes").symlink_to("elsewhere")
    repo.git("add", "-A")

    for selection in (staged(repo.top, repo.environ), changed(base, repo.top, repo.environ)):
        ((path, gap),) = selection.gaps
        assert ("m.h5", "BD003") == (path, gap.rule)
        assert "symbolic link, which is not followed. Commit the model itself" in gap.message
        assert not selection.candidates


def test_a_merge_conflict_is_a_gap(repo: Any) -> None:
    repo.write("m.h5", b"\x000")
    repo.commit()
    repo.git("checkout", "-q", "-b", "other")
    repo.write("m.h5", b"\x001")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("m.h5", b"\x002")
    repo.commit()
    repo.git("merge", "other", check=False)

    ((path, gap),) = staged(repo.top, repo.environ).gaps

    assert ("m.h5", "BD001") == (path, gap.rule)
    assert "merge conflict" in gap.message


def test_a_file_that_a_sparse_checkout_leaves_out_comes_from_git(repo: Any, tmp_path: Path) -> None:
    base = repo.commit()
    repo.write("models/m.h5", b"content")
    repo.write("models/m.h5.md", b"x")
    repo.commit()
    repo.git("sparse-checkout", "set", "--no-cone", "/*.md")
    assert not (repo.top / "models/m.h5").exists()

    (candidate,) = changed(base, repo.top, repo.environ).candidates

    assert b"content" == _content(repo, candidate.blob, tmp_path)


def test_changed_weights_of_a_saved_model_select_its_graph(repo: Any) -> None:
    repo.write("sm/saved_model.pb", b"1")
    repo.write("sm/variables/variables.index", b"1")
    repo.commit()
    repo.write("sm/variables/variables.index", b"22")
    repo.git("add", "-A")

    (candidate,) = staged(repo.top, repo.environ).candidates

    assert ("sm/saved_model.pb", "") == (candidate.path, candidate.blob)
    assert repo.top / "sm/saved_model.pb" == candidate.file


def test_a_dvc_file_is_read_from_where_its_models_are_selected(repo: Any) -> None:
    base = repo.commit()
    repo.write("m/a.h5.dvc", repo.dvc_file(b"model", "a.h5"))
    repo.git("add", "-A")
    repo.write("m/a.h5.dvc", repo.dvc_file(b"model", "b.h5"))

    (of_index,) = staged(repo.top, repo.environ).candidates
    (of_tree,) = changed(base, repo.top, repo.environ).candidates

    assert ("m/a.h5", "m/a.h5.dvc") == (of_index.path, of_index.tracked.pointer)
    assert ("m/b.h5", repo.top / "m/b.h5") == (of_tree.path, of_tree.file)


def test_a_dvc_file_cannot_swap_the_model_of_the_index(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", b"staged")
    repo.write("z.dvc", repo.dvc_file(b"harmless", "m.h5"))
    repo.git("add", "-A")
    repo.write("m.h5", b"harmless")

    (candidate,) = staged(repo.top, repo.environ).candidates

    assert b"staged" == _content(repo, candidate.blob, tmp_path)
    assert "z.dvc" == candidate.tracked.pointer


def test_a_dvc_file_that_cannot_be_read_is_a_gap_here_too(repo: Any) -> None:
    repo.write("bad.dvc", b"\xff")
    repo.write("huge.dvc", b"#" * 300_000)
    repo.git("add", "-A")

    gaps = staged(repo.top, repo.environ).gaps

    assert [("bad.dvc", "BD001"), ("huge.dvc", "BD001")] == [(path, gap.rule) for path, gap in gaps]
    assert "expected at most 262144 bytes" in gaps[1][1].message


_HOOK = """#!{python}
import os, sys
from pathlib import Path
sys.path.insert(0, {source!r})
from gate.discover.git import staged
paths = [candidate.path for candidate in staged(Path("sub").resolve(), os.environ).candidates]
Path({log!r}).write_text(repr(paths))
"""


@pytest.mark.parametrize("arguments", [["-a"], ["sub/m.h5"], []])
@pytest.mark.parametrize("in_worktree", [False, True])
def test_a_hook_sees_what_its_commit_holds(
    repo: Any, tmp_path: Path, arguments: list[str], in_worktree: bool
) -> None:
    repo.write("sub/m.h5", b"1")
    repo.commit()
    top = repo.top
    if in_worktree:  # git sets GIT_DIR there
        top = tmp_path / "tree"
        repo.git("worktree", "add", "-q", str(top))
    source, log = str(Path(__file__).parents[2]), tmp_path / "log"
    hook = _HOOK.format(python=sys.executable, source=source, log=str(log))
    repo.write(".git/hooks/pre-commit", hook.encode()).chmod(0o755)
    (top / "sub/m.h5").write_bytes(b"22")
    if not arguments:
        repo.git("-C", str(top), "add", "-A")

    repo.git("-C", str(top), "commit", "-q", "-m", "x", *arguments)

    assert "['sub/m.h5']" == log.read_text()


def test_lfs_objects_are_shared_by_all_worktrees(repo: Any, tmp_path: Path) -> None:
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"))
    kept = repo.keep_lfs_object(b"model")

    found = lfs_object(kept.name, tmp_path / "tree", repo.environ)

    assert found is not None
    assert kept == found.resolve()
    assert kept == lfs_object(kept.name, repo.top, repo.environ)
    assert lfs_object(kept.name, tmp_path, repo.environ) is None


def test_a_changed_model_knows_what_lay_under_its_path(repo: Any, tmp_path: Path) -> None:
    repo.write("edited.h5", b"before")
    repo.write("link.h5", b"elsewhere").unlink()
    (repo.top / "link.h5").symlink_to("elsewhere")
    base = repo.commit()
    repo.write("edited.h5", b"after")
    repo.write("new.h5", b"new")
    (repo.top / "link.h5").unlink()
    repo.write("link.h5", b"no link any more")
    repo.commit()

    found = {each.path: each.base for each in changed(base, repo.top, repo.environ).candidates}

    assert b"before" == _content(repo, found.pop("edited.h5"), tmp_path)
    assert {"new.h5": "", "link.h5": ""} == found


def test_the_index_is_not_compared(repo: Any) -> None:
    repo.write("m.h5", b"before")
    repo.commit()
    repo.write("m.h5", b"after")
    repo.git("add", "-A")

    (candidate,) = staged(repo.top, repo.environ).candidates

    assert "" == candidate.base


def test_after_merges_to_and_fro_no_change_hides_behind_one_of_the_forks(repo: Any) -> None:
    for name in ("a.h5", "b.h5"):
        repo.write(name, b"0")
    repo.commit()
    repo.git("branch", "other")
    repo.write("a.h5", b"1")
    ours = repo.commit()
    repo.git("checkout", "-q", "other")
    repo.write("b.h5", b"1")
    theirs = repo.commit()
    repo.git("merge", "-q", "-m", "x", ours)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "-m", "x", theirs)
    assert 2 == len(repo.git("merge-base", "--all", "main", "other").split())

    assert ["a.h5", "b.h5"] == _paths(changed("other", repo.top, repo.environ))


def test_in_a_clone_without_all_history_no_older_commit_passes_for_the_fork(
    repo: Any, tmp_path: Path
) -> None:
    repo.write("m.h5", b"poisoned")
    old = repo.commit()
    repo.write("m.h5", b"clean")
    repo.commit()
    repo.git("checkout", "-q", "-b", "revert")
    repo.write("m.h5", b"poisoned")
    revert = repo.commit()
    # A merge with what is an ancestor already: git would not make it, but takes it.
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    crafted = repo.git("commit-tree", "-p", revert, "-p", old, "-m", "x", tree).strip()
    repo.git("reset", "-q", "--hard", crafted)
    clone = tmp_path / "clone"
    repo.git("clone", "-q", "--depth=2", f"file://{repo.top}", str(clone))
    repo.git("-C", str(clone), "fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    assert old == repo.git("-C", str(clone), "merge-base", "origin/main", "HEAD").strip()

    assert ["m.h5"] == _paths(changed("origin/main", clone, repo.environ))


def test_every_model_says_why_it_is_selected(repo: Any) -> None:
    repo.write("old.h5", b"1")
    base = repo.commit()
    repo.write("old.h5", b"22")
    repo.write("new.h5", b"3")
    repo.write("m.dvc", repo.dvc_file(b"x", "t.h5"))
    repo.git("add", "-A")

    index = {each.path: each.reason for each in staged(repo.top, repo.environ).candidates}
    tree = {each.path: each.reason for each in changed("main", repo.top, repo.environ).candidates}

    assert {
        "old.h5": "changed in the index",
        "new.h5": "added in the index",
        "t.h5": "tracked by m.dvc",
    } == index
    assert f"changed since main ({base[:12]})" == tree["old.h5"]
    assert ["added since " + base[:9]] == [
        each.reason for each in changed(base[:9], repo.top, repo.environ).candidates if each.path == "new.h5"
    ]
