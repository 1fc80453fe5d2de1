from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.errors import PolicyError
from gate.policy.yaml_source import parse, read


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "Y", "1_000", "1:30", "010", "0x10", "0o7", "2024-01-01", "1e", "="]
)
def test_what_yaml_1_1_would_guess_stays_text(text: str) -> None:
    assert {"key": text} == parse(f"key: {text}", "p.yaml").value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("-2", -2),
        ("2.0", 2.0),
        ("2.", 2.0),
        (".5", 0.5),
        ("+1e-3", 0.001),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("'2'", "2"),
        ('"true"', "true"),
        ("|\n  2", "2"),
    ],
)
def test_yaml_1_2_scalars_are_read(text: str, value: object) -> None:
    read_value = parse(f"key: {text}", "p.yaml").value

    assert {"key": value} == read_value
    assert isinstance(read_value, dict)
    assert type(value) is type(read_value["key"])


@pytest.mark.parametrize("text", [".nan", ".inf", "-.Inf", "1e999", "9" * 33])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    (problem,) = parse(f"key: {text}", "p.yaml").problems

    assert ((1, 6), ("key",)) == (problem.position, problem.path)
    assert problem.text.startswith("expected a finite number")


def test_keys_and_values_remember_where_they_stand() -> None:
    source = parse("a:\n  - b: 1\n  -  2\n", "p.yaml")

    assert {("a",): (1, 1), ("a", 0, "b"): (2, 5)} == source.keys
    assert {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", 0): (2, 5),
        ("a", 0, "b"): (2, 8),
        ("a", 1): (3, 6),
    } == source.values


def test_keys_are_always_text() -> None:
    assert {"1": 1, "on": 2, "null": 3} == parse("{1: 1, on: 2, null: 3}", "p.yaml").value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml:1:1: expected a mapping with 'version: 1', received an empty file"),
        ("# only a comment\n", "p.yaml:1:1: expected a mapping with 'version: 1', received an empty file"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: expected one document, received a second one"),
        ("a: 1\n b: 2\n", "p.yaml:2:3: not YAML: mapping values are not allowed here"),
        ("a: [1\n", "p.yaml:2:1: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: \x07\n", "p.yaml:2:4: not YAML: a control character"),
        ('a: "\\UFFFFFFFF"', "p.yaml:1:1: not YAML: an escape or number out of range"),
        ("a: {[1]: 2}", "p.yaml:1:5: a: expected a plain key"),
        ("[" * 100_000, "p.yaml:1:22: expected at most 20 levels, received more"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text, "p.yaml")

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff\n", "p.yaml:2:4: expected UTF-8 text, received the byte 0xff"),
        (b"#" * (1 << 20) + b"#", "p.yaml:1:1: expected a file of at most 1048576 bytes, received more"),
    ],
)
def test_files_that_are_no_text_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(content)

    with pytest.raises(PolicyError) as caught:
        read(path, "p.yaml")

    assert message == str(caught.value)


def test_a_byte_order_mark_does_not_shift_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert {("a",): (1, 1)} == read(path, "p.yaml").keys


@pytest.mark.parametrize("name", ["missing.yaml", ".", "loop", "odd\0name"])
def test_what_cannot_be_opened_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(PolicyError, match=r"^p\.yaml:1:1: expected a policy file, received"):
        read(tmp_path / name, "p.yaml")


@given(st.text() | st.text("[]{}:,-&*!|>'\"\\%# \n\t10ab"))
def test_any_text_is_read_or_refused(text: str) -> None:
    refused = ""
    try:
        parse(text, "p.yaml")
    except PolicyError as error:
        refused = str(error)

    assert not refused or refused.startswith("p.yaml:")


@given(st.binary())
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    refused = ""
    try:
        read(path, "p.yaml")
    except PolicyError as error:
        refused = str(error)

    assert not refused or refused.startswith("p.yaml:")
