from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.models.datasets.label_forms import as_numbers

LABELS = np.array([0, 1, 1, 0, 2])


@pytest.mark.parametrize(
    "stored",
    [
        LABELS,
        LABELS[:, None],
        LABELS.astype(np.float32),
        LABELS[:, None].astype(np.float64),
        np.eye(3)[LABELS],
        0.9 * np.eye(3, dtype=np.float32)[LABELS] + 0.1 / 3,
    ],
)
def test_every_form_of_labels_comes_to_the_same_numbers(stored: NDArray[Any]) -> None:
    found = as_numbers(stored, 3)

    assert found.dtype.kind in "ui"
    np.testing.assert_array_equal(LABELS, found)


def test_yes_and_no_are_one_and_zero() -> None:
    np.testing.assert_array_equal([1, 0], as_numbers(np.array([[True], [False]]), 2))


@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_only_whole_numbers_become_labels(stored: list[float]) -> None:
    found = as_numbers(np.array(stored, np.float32), 3)

    if found.dtype.kind == "i":
        np.testing.assert_array_equal(np.array(stored, np.float32), found.astype(np.float32))
    else:
        assert any(not np.isfinite(each) or each != round(each) or abs(each) >= 2**24 for each in stored)
