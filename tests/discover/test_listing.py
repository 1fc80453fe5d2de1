from __future__ import annotations

import os
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.discover.listing import parse_list

_NAME = st.binary(min_size=1).filter(lambda name: b"\0" not in name)


@given(st.lists(_NAME, min_size=1))
def test_any_names_survive_when_separated_by_nul(names: list[bytes]) -> None:
    assert [os.fsdecode(name) for name in names] == list(parse_list(b"\0".join(names) + b"\0"))


def test_lines_may_end_as_on_windows_and_blank_ones_mean_nothing() -> None:
    assert ("a.h5", "b c.h5", '"', '"d.h5') == parse_list(b'a.h5\r\n\r\n  \nb c.h5\n"\n"d.h5\n')


def test_names_that_git_quotes_are_unquoted(repo: Any) -> None:
    names = ("plain.h5", "mödel.h5", 'quo"te.h5', "line\nbreak.h5", "back\\slash\t.h5", "\x01é\x7f.h5")
    for name in names:
        repo.write(name, b"")
    repo.git("add", "-A")

    assert sorted(names) == sorted(parse_list(repo.git("diff", "--cached", "--name-only").encode()))
