from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.errors import IncompleteError
from gate.triage import graph
from gate.triage.findings import BeyondLimitsError
from gate.triage.operations import DANGEROUS, ORDINARY, SAVERS
from gate.triage.protobuf import fields
from tests.corpus import graph_cases as made


def check(tmp_path: Path, content: bytes) -> list[tuple[str, str]]:
    file = tmp_path / "model.pb"
    file.write_bytes(content)
    return [(finding.rule, finding.subject) for finding in graph.check(file)]


def refusal(tmp_path: Path, content: bytes) -> IncompleteError:
    with pytest.raises(IncompleteError) as error:
        check(tmp_path, content)
    return error.value


def test_no_operation_is_of_two_minds() -> None:
    assert set() == (DANGEROUS.keys() & SAVERS.keys()) | (DANGEROUS.keys() & ORDINARY) | (
        SAVERS.keys() & ORDINARY
    )


@pytest.mark.parametrize("op", sorted(DANGEROUS))
def test_every_dangerous_operation_is_found_in_the_graph_and_in_its_functions(
    tmp_path: Path, op: str
) -> None:
    expected = [("BD209", f"operation:{op}")]

    assert expected == check(tmp_path, made.saved_model(made.graph(op)))
    assert expected == check(tmp_path, made.saved_model(made.graph(functions={"f": (op, op)})))
    assert expected == check(tmp_path, made.graph(op))


@pytest.mark.parametrize("function", ["f", "traced_saved", "my_traced_save_x", "x_traced_restore_1_2_"])
def test_savers_belong_into_the_functions_that_tensorflow_makes_for_them(
    tmp_path: Path, function: str
) -> None:
    content = made.saved_model(made.graph(functions={function: ("SaveV2", "RestoreV2")}))

    assert [("BD209", "operation:SaveV2"), ("BD209", "operation:RestoreV2")] == check(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        made.graph(functions={"__inference__traced_save_42": ("SaveV2", "MergeV2Checkpoints"), "_traced_restore": ("RestoreV2",)}),
        made.message(1, made.node("SaveV2", "save/SaveV2")) + made.message(1, made.node("RestoreV2", "save_1/RestoreV2")),
    ],
    ids=["TensorFlow 2", "TensorFlow 1"],
)  # fmt: skip
def test_a_graph_of_ordinary_operations_is_not_scanned_and_does_not_pass(
    tmp_path: Path, content: bytes
) -> None:
    error = refusal(tmp_path, made.saved_model(content))

    assert "BD003" == error.rule
    assert "model.save('model.keras')" in error.hint
    assert "Not among" not in str(error)


def test_operations_that_the_gate_does_not_know_are_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, made.graph("Zoom", "Evil\x1b[2J", *(f"Op{i}" for i in range(9))))

    assert "Not among the ordinary ones: Evil\\x1b[2J, Op0, Op1, Op2, Op3, ..." in str(error)


@pytest.mark.parametrize(
    "content",
    [b"\x08\x01", b"\xff" * 64, b"\x0a", b"\x0a\x05ab", b"\x0b", b"\x02\x00", b"\x09\x00", b"\x0d\x00", b"\x80" * 20,
     made.saved_model(made.graph())[:-3], b"hello, this is text"],
)  # fmt: skip
def test_what_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "BD001" == refusal(tmp_path, content).rule


def test_a_graph_without_end_is_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.triage.graph._MOST_NODES", 100)

    with pytest.raises(BeyondLimitsError):
        check(tmp_path, made.graph(*["Add"] * 100))


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_refused(content: bytes) -> None:
    try:
        found = list(fields(memoryview(content)))
    except IncompleteError:
        return
    assert sum(len(inner) for _, _, inner in found) <= len(content)


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.binary(max_size=300)), max_size=8))
def test_fields_come_back_as_they_were_written(written: list[tuple[int, bytes]]) -> None:
    content = b"".join(made.message(number, inner) for number, inner in written)

    assert written == [(number, bytes(inner)) for number, _, inner in fields(memoryview(content))]


def test_numbers_of_fixed_width_are_passed_over() -> None:
    content = b"\x09" + bytes(8) + b"\x15" + bytes(4) + b"\x18\x80\x01"

    assert [(1, 1, 8), (2, 5, 4), (3, 0, 2)] == [
        (n, kind, len(inner)) for n, kind, inner in fields(memoryview(content))
    ]
