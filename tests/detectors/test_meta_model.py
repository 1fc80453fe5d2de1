from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.errors import UsageError
from gate.detectors.meta.model import MetaModel, parse

META = MetaModel(
    version=1,
    architecture="",
    networks=10,
    auc=0.8,
    features=("a", "b"),
    centre=(1.0, 2.0),
    spread=(0.5, 1.0),
    weights=(1.0, -1.0),
    bias=0.25,
    usual=-1.0,
    limit=1.0,
)


def test_a_file_is_read_as_it_was_written() -> None:
    assert META == parse(META.dump(), "meta.json")


def test_the_sum_weighs_standardised_features() -> None:
    assert 1.0 - 3.0 + 0.25 == META.total(np.array([1.5, 5.0]))


def test_a_network_unlike_all_others_does_not_count_without_end() -> None:
    assert META.total(np.array([1e9, 2.0])) == META.total(np.array([3.5, 2.0]))


@settings(deadline=None, max_examples=40)
@given(st.floats(-1e6, 1e6))
def test_the_index_is_two_at_the_limit_and_zero_at_what_is_usual(total: float) -> None:
    assert (0.0, 2.0) == (META.index(META.usual), META.index(META.limit))
    assert 0.0 <= META.index(total) <= 99.0


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"weights": [1.0]},
        {"spread": [0.0, 1.0]},
        {"limit": -1.0},
        {"centre": [float("nan"), 0.0]},
        {"features": "ab"},
        {"surplus": 1},
    ],
)
def test_what_is_no_meta_model_is_refused(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(META.dump()) | change)

    with pytest.raises(UsageError, match=r"my\.json: expected a meta-model"):
        parse(text, "my.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, "\x00"])
def test_rubbish_is_refused_with_what_makes_a_good_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, "meta.json")

    assert "meta train" in caught.value.hint
