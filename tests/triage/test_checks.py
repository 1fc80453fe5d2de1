from __future__ import annotations

import inspect
from typing import Any

import pytest

from gate.core.finding import Finding
from gate.core.rule import Severity
from gate.core.training_loss import UNKNOWN
from gate.triage.checks import check
from gate.triage.layers import BUILT_IN_LAYERS, CODE_LAYERS
from gate.triage.stored import StoredModel

Node = dict[str, Any]


def layer(class_name: str, module: str | None = "keras.layers", **more: Any) -> Node:
    node = {"class_name": class_name, "config": {"name": class_name.lower()}, "registered_name": None} | more
    return node if module is None else node | {"module": module}


def wrapper(class_name: str, **inner: Any) -> Node:
    return layer(class_name, config={"name": "wrapper", **inner})


def sequential(*layers: Any) -> Node:
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}


def findings(config: Node) -> tuple[Finding, ...]:
    return check(StoredModel(config, "3.15.1", UNKNOWN))


def subjects(config: Node) -> list[tuple[str, str]]:
    return [(finding.rule, finding.subject) for finding in findings(config)]


DENSE, LAMBDA = layer("Dense"), layer("Lambda")
PLACES = {
    "at the top": LAMBDA,
    "in a network": sequential(DENSE, LAMBDA),
    "in an inner network": sequential(DENSE, sequential(DENSE, sequential(LAMBDA))),
    "in TimeDistributed": sequential(wrapper("TimeDistributed", layer=LAMBDA)),
    "in Bidirectional": sequential(wrapper("Bidirectional", layer=layer("LSTM"), backward_layer=LAMBDA)),
    "in a stack of cells": sequential(wrapper("RNN", cell=wrapper("StackedRNNCells", cells=[LAMBDA]))),
    "in a list of layers": {"class_name": "Sequential", "config": [DENSE, LAMBDA]},
    "where no layer belongs": sequential(wrapper("Dense", kernel_regularizer=LAMBDA)),
    "in an argument": {"class_name": "Functional", "config": {"layers": [layer("Add", inbound_nodes=[[LAMBDA]])]}},
    "in an inner network's training": sequential(sequential(DENSE) | {"compile_config": {"loss": LAMBDA}}),
    "in a build config": sequential(DENSE | {"build_config": LAMBDA}),
}  # fmt: skip


@pytest.mark.parametrize("config", PLACES.values(), ids=PLACES.keys())
def test_code_is_found_wherever_it_hides(config: Node) -> None:
    assert [("BD201", "class:Lambda")] == subjects(config)


@pytest.mark.parametrize("class_name", sorted(CODE_LAYERS))
def test_every_layer_that_carries_code_is_found(class_name: str) -> None:
    assert [("BD201", f"class:{class_name}")] == subjects(sequential(layer(class_name, module=None)))


FOREIGN = {
    "keras_hub.layers.Evil": layer("Evil", "keras_hub.layers"),
    "keras_hub.Dense": layer("Dense", "keras_hub"),
    "kerasx.Dense": layer("Dense", "kerasx"),
    "os.system": layer("system", "os"),
    "builtins_.Dense": layer("Dense", "builtins_"),
    "My>Gate": layer("Gate", None, registered_name="My>Gate"),
    "Custom>Dense": layer("Dense", registered_name="Custom>Dense"),
    "Addons>GELU": layer("Addons>GELU", None),
    "Wavelet": layer("Wavelet", None),
    "Evil": layer("Evil", "keras.layers"),
    "exec": layer("exec", "builtins"),
    "keras.utils.get_file": layer("get_file", "keras.utils"),
    "keras.src.opsx.numpy": layer("numpy", "keras.src.opsx"),
    "builtins.x.exec": layer("exec", "builtins.x"),
    "deserialize": layer("deserialize"),
    "['Dense']": layer("x", None) | {"class_name": ["Dense"]},
}


@pytest.mark.parametrize(("subject", "node"), FOREIGN.items(), ids=FOREIGN.keys())
def test_a_layer_that_is_no_part_of_keras_is_found(subject: str, node: Node) -> None:
    assert [("BD202", f"class:{subject}")] == subjects(sequential(DENSE, node))
    assert [("BD202", f"class:{subject}")] == subjects({"class_name": "Sequential", "config": [DENSE, node]})


@pytest.mark.parametrize(
    "node",
    [
        {"module": "evil", "class_name": "Zeros", "config": {}},
        {"module": None, "class_name": "Zeros", "config": {}, "registered_name": "Custom>Zeros"},
        {"module": "os", "class_name": "function", "config": "system"},
        {"module": "keras.config", "class_name": "function", "config": "set_floatx"},
        {"module": "keras.src.utils.file_utils", "class_name": "function", "config": "get_file"},
    ],
)
def test_a_foreign_class_is_found_where_no_layer_stands(node: Node) -> None:
    assert ["BD202"] == [rule for rule, _ in subjects(sequential(wrapper("Dense", kernel_initializer=node)))]


CUSTOM_LOSS = {"module": "train", "class_name": "FocalLoss", "config": {}, "registered_name": "FocalLoss"}
FUNCTION = {"module": "builtins", "class_name": "function", "config": "f", "registered_name": "function"}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"class_name": "Sequential", "config": [DENSE]},
        sequential(DENSE) | {"compile_config": {"loss": CUSTOM_LOSS}},
        sequential(sequential(DENSE) | {"compile_config": {"loss": FUNCTION, "metrics": [FUNCTION]}}),
        sequential(wrapper("Dense", activation=FUNCTION)),
        sequential(wrapper("Dense", dtype={"module": "keras", "class_name": "DTypePolicy", "config": {}})),
        sequential(wrapper("Dense", kernel_initializer={"class_name": "VarianceScaling", "config": {}})),
        sequential(layer("TrueDivide", "keras.src.ops.numpy", registered_name="TrueDivide")),
        sequential(layer("LayerScale", "keras.src.applications.convnext", registered_name="LayerScale")),
        sequential(DENSE | {"build_config": {"input_shape": {"class_name": "__tuple__", "items": [None, 8]}}}),
        {"class_name": "Functional", "config": {"input_layers": [["input", 0, 0]], "layers": [DENSE]}},
    ],
)  # fmt: skip
def test_what_keras_itself_writes_is_no_finding(config: Node) -> None:
    assert () == findings(config)


def test_each_problem_is_told_once_in_the_order_of_appearance() -> None:
    gate = layer("Gate", "mine")

    found = subjects(sequential(gate, LAMBDA, DENSE, LAMBDA, sequential(gate), layer("TFSMLayer")))

    assert [("BD202", "class:mine.Gate"), ("BD201", "class:Lambda"), ("BD201", "class:TFSMLayer")] == found


def test_a_finding_names_class_and_layer_and_says_what_to_do() -> None:
    (finding,) = findings(sequential(layer("Lambda", config={"name": "magic"})))

    assert (
        "The model holds a Lambda layer named 'magic', which carries code. It was not loaded."
        == finding.message
    )
    assert (Severity.CRITICAL, True) == (finding.severity, bool(finding.remedy))


@pytest.mark.parametrize("config", ["text", [1], {"name": 3}, {}, None])
def test_a_layer_without_a_usable_name_is_told_without_it(config: object) -> None:
    (finding,) = findings(sequential(layer("Lambda", config=config)))

    assert "a Lambda layer, which" in finding.message


def test_hostile_names_are_printable() -> None:
    hostile = "\x1b]0;pwned\x07\u202e\n" * 50

    (code, foreign) = findings(sequential(layer("Lambda", config={"name": hostile}), layer(hostile)))

    for text in (code.message, foreign.message, foreign.subject):
        assert text.isprintable()
        assert len(text) < 400


def test_a_network_nested_too_deeply_to_be_walked_is_a_bomb() -> None:
    nested: Node = DENSE
    for _ in range(100):
        nested = sequential(nested)

    (finding,) = findings(nested)

    assert ("BD207", "depth:architecture") == (finding.rule, finding.subject)
    assert "nested more than 64 levels deep" in finding.message


def test_more_values_than_any_architecture_has_are_a_bomb() -> None:
    assert [("BD207", "values:architecture")] == subjects(sequential(wrapper("Dense", axis=[0] * 600_000)))


def test_networks_within_networks_are_walked_ten_deep() -> None:
    nested: Node = LAMBDA
    for _ in range(10):
        nested = sequential(nested)

    assert [("BD201", "class:Lambda")] == subjects(nested)


def test_the_list_of_layers_is_that_of_the_keras_installed(keras: Any) -> None:
    shipped = {name for name, value in vars(keras.layers).items() if inspect.isclass(value)}

    assert set() == shipped - BUILT_IN_LAYERS - CODE_LAYERS - {"InputSpec"}
