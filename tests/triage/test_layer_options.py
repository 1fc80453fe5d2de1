from __future__ import annotations

import pytest

from gate.triage.configuration import Spot
from gate.triage.options import check


def rule(key: str, value: object) -> str:
    found = check(Spot(key, value))
    if found is None:
        return ""
    assert found.message.isprintable()
    return found.rule


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("vocabulary", "words.txt"), ("path", "x"), ("any", "https://example.org"), ("any", "gs://b/x"),
        ("any", "/etc/passwd"), ("any", "../x"), ("any", "./x"), ("any", "~/x"), ("any", "C:\\x"), ("any", "\\\\host\\x"),
        ("\x1b", "file://x"),
    ],
)  # fmt: skip
def test_what_leads_out_of_the_file_is_found(key: str, text: str) -> None:
    assert "BD203" == rule(key, text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("vocabulary", ""), ("activation", "relu"), ("name", "/features/conv"), ("inbound_nodes", "/features/conv"),
        ("equation", "ab,bc->ac"), ("padding", "same"), ("dtype", "float32"), ("any", "a/b"), ("any", "/"), ("any", "x:y"),
    ],
)  # fmt: skip
def test_words_that_stay_in_the_file_are_not(key: str, text: str) -> None:
    assert "" == rule(key, text)


@pytest.mark.parametrize(
    ("key", "value"),
    [("units", 2**24 + 1), ("filters", 10**30), ("size", -(2**25)), ("any", 2**63 + 1), ("batch_shape", [None, 2**16, 2**16]),
     ("target_shape", [10**20]), ("target_shape", [2**64] * 1000), ("units", 10**4000)],
)  # fmt: skip
def test_more_than_any_network_has_is_a_bomb(key: str, value: object) -> None:
    assert "BD207" == rule(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("units", 2**24), ("units", True), ("seed", 2**62), ("any", 1e300), ("batch_shape", [None, 224, 224, 3]),
     ("target_shape", [-1, 10]), ("batch_shape", ["x", None]), ("units", None)],
)  # fmt: skip
def test_what_networks_have_is_not(key: str, value: object) -> None:
    assert "" == rule(key, value)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("S2000000000", "BD207"), ("U9", "BD207"), ("O", "BD207"), (["f4"], "BD207"), ("float32", ""), ("<f4", ""), ("bool", ""), (None, "")],
)  # fmt: skip
def test_inline_arrays_hold_plain_numbers(dtype: object, expected: str) -> None:
    for kind in ("__numpy__", "__tensor__"):
        assert expected == rule("any", {"class_name": kind, "config": {"value": [], "dtype": dtype}})
    assert "" == rule("any", {"class_name": "__numpy__", "config": 3})
    assert "" == rule("any", {"class_name": ["__numpy__"]})
