"""What a change may have written is opened only if it is a regular file of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.core.fence import inside, open_inside


@pytest.fixture
def top(tmp_path: Path) -> Path:
    place = tmp_path.resolve() / "repo"
    (place / "ci").mkdir(parents=True)
    (place / "ci/p.yaml").write_text("ours")
    return place


def _descriptors() -> set[str]:
    return {place.name for place in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("repo/ci/p.yaml", "ci/p.yaml"),
        ("repo/ci/../x/./p.yaml", "x/p.yaml"),
        ("repo", "."),
        ("repo/../repository/p.yaml", None),
        ("other/p.yaml", None),
        ("way/ci/p.yaml", "ci/p.yaml"),
        ("way-in/p.yaml", "ci/p.yaml"),
        ("way-to/p", "ci/p.yaml/p"),
        ("repo/out/p.yaml", "out/p.yaml"),
        ("way/out/p.yaml", "out/p.yaml"),
    ],
)
def test_a_path_counts_as_it_is_spelt_below_the_top(top: Path, path: str, expected: str | None) -> None:
    around = top.parent
    (around / "way").symlink_to("repo")
    (around / "way-in").symlink_to("repo/ci")
    (around / "way-to").symlink_to("repo/ci/p.yaml")
    (top / "out").symlink_to(around)

    assert (None if expected is None else Path(expected)) == inside(around / path, top)


def test_a_regular_file_is_opened(top: Path) -> None:
    with open_inside(Path("ci/p.yaml"), top) as stream:
        assert b"ours" == stream.read()


@pytest.mark.parametrize(
    ("relative", "reason"),
    [
        ("link.yaml", "a symbolic link"),
        ("links/p.yaml", "a symbolic link"),
        ("ci/loop", "a symbolic link"),
        ("ci", "a directory or device"),
        (".", "a directory or device"),
        ("pipe", "a directory or device"),
        (".git/config", "git's own"),
        ("sub/.GIT/config", "git's own"),
        ("gone", "No such file"),
        ("ci/p.yaml/x", "Not a directory"),
    ],
)
def test_everything_else_is_refused_and_no_descriptor_stays_open(
    top: Path, relative: str, reason: str
) -> None:
    (top / "link.yaml").symlink_to("ci/p.yaml")
    (top / "links").symlink_to("ci")
    (top / "ci/loop").symlink_to("loop")
    os.mkfifo(top / "pipe")
    (top / ".git").mkdir()
    (top / ".git/config").write_text("token")
    before = _descriptors()

    with pytest.raises(OSError, match=reason):
        open_inside(Path(relative), top)

    assert before == _descriptors()
