from __future__ import annotations

import base64
import marshal
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.triage import code
from gate.triage.configuration import Spot
from tests.corpus import parts


def rules(value: object, key: str = "activation") -> list[str]:
    found = code.check(Spot(key, value))
    return [] if found is None else [found.rule]


@pytest.mark.parametrize(
    "source", ["1", "x = lambda y: y", "import os\nos.getpid()", "def f(a, *, b):\n return a + b"]
)
def test_bytecode_is_recognised_in_every_spelling(source: str) -> None:
    raw = marshal.dumps(compile(source, "", "exec"))
    packed = base64.b64encode(raw).decode()

    for text in (
        packed,
        packed.rstrip("="),
        base64.encodebytes(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    ):
        assert "Python bytecode" == code.serialized(text)
    assert "Python bytecode" == code.serialized(raw.decode("latin-1"))


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("value", [[1] * 20, {"a": Path("x" * 30)}, Path("/" + "x" * 30)])
def test_pickles_are_recognised(protocol: int, value: object) -> None:
    assert "a pickle" == code.serialized(base64.b64encode(pickle.dumps(value, protocol)).decode())


@pytest.mark.parametrize(
    "text",
    ["", "relu", "categorical_crossentropy_with_a_long_name", "block1/conv/kernel:0", "A" * 100, "ã" * 100, "c" * 64,
     "0123456789abcdef" * 4, "x" * 25, "=" * 30, "ab,bc->ac", "\ud800" * 30],
)  # fmt: skip
def test_words_are_no_code(text: str) -> None:
    assert "" == code.serialized(text)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert code.serialized(text) in ("", "Python bytecode", "a pickle")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_/0123456789", max_size=80))
def test_names_of_layers_are_no_code(text: str) -> None:
    assert "" == code.serialized(text)


@pytest.mark.parametrize(
    ("class_name", "config", "expected"),
    [
        ("TFOpLambda", {"function": "io.write_file"}, ["BD201"]),
        ("TFOpLambda", {"function": "numpy_function"}, ["BD201"]),
        ("TFOpLambda", {"function": "raw_ops.ReadFile"}, ["BD201"]),
        ("ClassMethod", {"symbol": "data.TextLineDataset"}, ["BD201"]),
        ("TensorFlowOpLayer", {"node_def": 'name: "x"\nop: "PyFunc"'}, ["BD201"]),
        ("TFOpLambda", {"function": "math.multiply"}, []),
        ("TFOpLambda", {"function": "nn.relu"}, []),
        ("SlicingOpLambda", {"function": "__operators__.getitem"}, []),
        ("TensorFlowOpLayer", {"node_def": '{"op": "Mul"}'}, []),
        ("TFOpLambda", None, []),
        ("Dense", {"function": "io.write_file"}, []),
        (["TFOpLambda"], {}, []),
    ],
)
def test_operations_are_judged_by_what_they_can_do(
    class_name: object, config: object, expected: list[str]
) -> None:
    assert expected == rules({"class_name": class_name, "config": config})


def test_a_finding_names_the_option_but_not_the_code(tmp_path: Path) -> None:
    found = code.check(Spot("\x1b[2J", parts.code(tmp_path)))

    assert found is not None
    assert "Python bytecode in the option" in found.message
    assert found.message.isprintable()
    assert found.subject.isprintable()
