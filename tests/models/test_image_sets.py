from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.models.datasets import batches as image_sets
from gate.models.datasets.batches import BATCH, ImageArray, batched


def numbered(count: int) -> Any:
    return np.arange(count, dtype=np.float32).reshape(count, 1, 1, 1)


@given(st.lists(st.integers(0, 3 * BATCH), max_size=6))
def test_pieces_become_batches_in_the_same_order(sizes: list[int]) -> None:
    images = numbered(sum(sizes))
    pieces = np.split(images, np.cumsum(sizes)[:-1]) if sizes else []

    batches = list(batched(pieces))

    assert all(len(batch) == BATCH for batch in batches[:-1])
    assert sum(sizes) == sum(map(len, batches))
    assert not batches or np.array_equal(images, np.concatenate(batches))


def test_an_array_gives_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_sets, "BATCH", 2)
    images = ImageArray(numbered(7))

    streamed = list(images.stream(np.array([1, 4, 6])))

    assert [[1, 4], [6]] == [batch.ravel().tolist() for batch in streamed]
    assert [0, 6] == images[np.array([0, 6])].ravel().tolist()
    assert (7, "") == (len(images), images.name(3))
