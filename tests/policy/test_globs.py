from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.policy.globs import matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.h5", "a.h5"),
        ("*.h5", "models/deep/a.h5"),
        ("models", "models/a.h5"),
        ("models", "src/models/a.h5"),
        ("models/", "src/models/a.h5"),
        ("/models", "models/a.h5"),
        ("models/*.h5", "models/a.h5"),
        ("models/**", "models/a.h5"),
        ("models/**", "models/deep/er/a.h5"),
        ("models/**/a.h5", "models/a.h5"),
        ("models/**/a.h5", "models/deep/er/a.h5"),
        ("models/*/", "models/deep/a.h5"),
        ("models/**/", "models/deep/a.h5"),
        ("**/mnist/*.h5", "mnist/a.h5"),
        ("**/mnist/*.h5", "x/y/mnist/a.h5"),
        ("**", "a.h5"),
        ("**/**/a.h5", "a.h5"),
        ("./models/a.h5", "models/a.h5"),
        ("models/a.h5", "./models/a.h5"),
        ("v[0-9].h5", "v1.h5"),
        ("v[!0-9].h5", "vx.h5"),
        ("v[^0-9].h5", "vx.h5"),
        ("v?.h5", "v1.h5"),
        ("v[*].h5", "v*.h5"),
        ("odd[.h5", "odd[.h5"),
        ("*.h5", "line\nbreak.h5"),
    ],
)
def test_pattern_fits(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.h5", "a.H5"),
        ("Models/**", "models/a.h5"),
        ("models", "models2/a.h5"),
        ("models/", "models"),
        ("models/**", "models"),
        ("models/**/", "models/a.h5"),
        ("**/", "a.h5"),
        ("/models", "src/models/a.h5"),
        ("models/*.h5", "src/models/a.h5"),
        ("models/*.h5", "models/deep/a.h5"),
        ("models/**/a.h5", "models/b.h5"),
        ("v[^0-9].h5", "v1.h5"),
        ("v?.h5", "v/.h5"),
        ("../models/**", "models/a.h5"),
        ("", "a.h5"),
        ("/", "a.h5"),
        (".", "a.h5"),
    ],
)
def test_pattern_does_not_fit(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@given(st.text(), st.text())
def test_no_pattern_crashes(pattern: str, path: str) -> None:
    assert matches(pattern, path) in (True, False)


_NAMES = st.text("abc.-_5", min_size=1).filter(lambda name: name.strip("."))


@given(st.lists(_NAMES, min_size=1))
def test_a_path_without_wildcards_matches_itself_and_what_it_holds(names: list[str]) -> None:
    path = "/".join(names)

    assert matches(path, path)
    assert matches(path, f"{path}/inside")
    assert matches("**", path)


@pytest.mark.timeout(5)
def test_a_hostile_pattern_takes_no_longer_than_a_kind_one() -> None:
    assert not matches("**/a*" * 40 + "/b", "/".join(["a" * 40] * 200))
    assert not matches("*a" * 40 + "b", "a" * 2000)


def _below(names: list[str], depth: int) -> list[str]:
    return ["/".join(path) for size in range(1, depth + 1) for path in itertools.product(names, repeat=size)]


def test_patterns_mean_what_they_mean_to_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    paths = _below(["a", "b", "x.h5"], 3)
    for first, middle, last in itertools.product(["", "/"], _below(["a", "*", "**", "[^a]*"], 2), ["", "/"]):
        pattern = first + middle + last
        (tmp_path / ".gitignore").write_text(pattern)

        ignored = subprocess.run(
            ["git", "check-ignore", "--no-index", "--stdin"],
            cwd=tmp_path,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            input="\n".join(paths),
            capture_output=True,
            text=True,
            check=False,  # 1: none is ignored
        ).stdout.splitlines()

        assert ignored == [path for path in paths if matches(pattern, path)], pattern
