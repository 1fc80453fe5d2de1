"""A share of a work is one of so many, and nothing else."""

from __future__ import annotations

import pytest

from gate.core.share import share


def test_a_share_is_one_of_so_many() -> None:
    assert (1, 2) == share("1/2")
    assert (4, 4) == share("4/4")


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "one/two", "-1/2", "1/2/3", ""])
def test_what_is_no_share_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"expected I/N with 1 <= I <= N, received '{text}'"):
        share(text)
