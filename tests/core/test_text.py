from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.text import printable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("nul\0", r"nul\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028paragraph\u2029next\x85", r"line\u2028paragraph\u2029next\x85"),
        ("lone\ud800surrogate", r"lone\ud800surrogate"),
        ("private\ue000", r"private\ue000"),
        ("tag\U000e0041", r"tag\U000e0041"),
    ],
)
def test_hidden_characters_are_spelled_out(hostile: str, shown: str) -> None:
    assert shown == printable(hostile)


@pytest.mark.parametrize("text", ["", "conv2d_1", "Straßenschild 停 🚦", "C:\\models\\a.h5", "été"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert text == printable(text)


@given(st.text(st.characters(codec=None, categories=None), max_size=40), st.integers(1, 30))
def test_the_outcome_is_short_and_shows_everything_it_holds(text: str, limit: int) -> None:
    shown = printable(text, limit)

    assert len(shown) <= limit + len("…")
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1


def test_long_text_is_cut_and_says_so() -> None:
    assert "abc…" == printable("abcdef", 3)
    assert "abc" == printable("abc", 3)


def test_spelling_out_counts_toward_the_limit() -> None:
    assert r"\x00\x00\x…" == printable("\0" * 10, 10)
