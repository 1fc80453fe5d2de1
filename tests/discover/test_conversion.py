"""What git hands out is what was committed, or it is not scanned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.discover.git import changed
from gate.discover.staging import Staged, stage

MODEL = b"\x89HDF\r\n\x1a\n" + bytes(64)


@pytest.fixture
def scanned(repo: Any, tmp_path: Path) -> Any:
    """Return what is staged of the only model that differs from a commit."""

    def run(base: str) -> Staged:
        (candidate,) = changed(base, repo.top, repo.environ).candidates
        place = tmp_path / "private"
        place.mkdir()
        return stage(candidate, place, 1 << 20, root=repo.top, environ=repo.environ)

    return run


def checked_out(repo: Any, attributes: str, content: bytes) -> str:
    """Commit a model with attributes, and check it out as a runner does; return the commit before it."""
    base: str = repo.commit()
    repo.write("m.h5", content)
    repo.git("-c", "core.autocrlf=false", "add", "m.h5")
    repo.write(".gitattributes", attributes.encode())
    repo.git("add", ".gitattributes")
    repo.git("commit", "-q", "-m", "model")
    (repo.top / "m.h5").unlink()
    repo.git("checkout", "-q", "--", "m.h5")
    return base


@pytest.mark.parametrize("attributes", ["", "* text=auto eol=lf\n", "*.h5 -text\n", "*.h5 ident -ident\n"])
def test_a_model_that_lies_here_as_it_was_committed_is_scanned(
    repo: Any, scanned: Any, attributes: str
) -> None:
    staged = scanned(checked_out(repo, attributes, MODEL))

    assert staged.gap is None
    assert MODEL == staged.file.read_bytes()


@pytest.mark.parametrize(
    ("attributes", "content"),
    [
        ("*.h5 ident\n", MODEL + b"$Id$"),
        ("*.h5 text eol=crlf\n", b"\x89HDF one\ntwo\n"),
        ("*.h5 working-tree-encoding=UTF-16LE\n", b"HDF"),
    ],
)
def test_a_model_that_git_rewrites_on_the_way_is_a_gap(
    repo: Any, scanned: Any, attributes: str, content: bytes
) -> None:
    staged = scanned(checked_out(repo, attributes, content))

    assert content != (repo.top / "m.h5").read_bytes()
    assert ("BD001", None) == (staged.gap.rule, staged.file)
    assert staged.gap.message.startswith("m.h5: git changes the file between commit and checkout")


def test_an_edit_is_scanned_and_one_that_git_would_rewrite_is_not(
    repo: Any, scanned: Any, tmp_path: Path
) -> None:
    base = checked_out(repo, "", MODEL)
    repo.write("m.h5", MODEL + b"$Id: 0123 $")
    assert scanned(base).gap is None
    (tmp_path / "private" / "model.h5").unlink()
    (tmp_path / "private").rmdir()

    repo.write(".gitattributes", b"*.h5 ident")

    assert "BD001" == scanned(base).gap.rule


@pytest.mark.parametrize("is_here", [True, False])
def test_what_git_lfs_keeps_is_known_by_its_digest(repo: Any, scanned: Any, is_here: bool) -> None:
    base = checked_out(repo, "*.h5 filter=lfs\n", repo.lfs_pointer(MODEL))
    if is_here:
        repo.write("m.h5", MODEL)  # as `git lfs pull` does
        repo.git("update-index", "--assume-unchanged", "m.h5")
        repo.git("update-index", "--no-assume-unchanged", "m.h5")

    staged = scanned(base)

    assert is_here == (staged.gap is None), staged.gap
    assert is_here or "Git LFS pointer" in staged.gap.message
