from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import gate.policy
from gate.policy.loader import BUILT_IN, builtin_directory
from gate.policy.schema import schema


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and isinstance(node.get("type"), str | list):
            yield node
        for child in node.values():
            yield from _objects(child)


@pytest.fixture
def shipped() -> Any:
    return json.loads(Path(gate.policy.__file__).with_name("schema.json").read_text("utf-8"))


def test_the_schema_is_valid_by_its_own_standard(
    known: Mapping[str, Mapping[str, type]], shipped: Any
) -> None:
    jsonschema.Draft202012Validator.check_schema(shipped)
    jsonschema.Draft202012Validator.check_schema(schema(known))


def test_the_schema_allows_nothing_that_it_does_not_name(known: Mapping[str, Mapping[str, type]]) -> None:
    objects = list(_objects(schema(known)))

    assert 6 + 2 * len(known) == len(objects)
    assert all(each["additionalProperties"] is False for each in objects)


def test_every_key_is_described_and_has_valid_examples(shipped: Any) -> None:
    validator = jsonschema.Draft202012Validator(shipped)
    for each in _objects(shipped):
        for name, key in each["properties"].items():
            resolved = shipped["$defs"][key["$ref"].rsplit("/", 1)[1]] if "$ref" in key else key
            assert resolved["description"].endswith("."), name
            for example in resolved["examples"]:
                assert validator.evolve(schema=resolved).is_valid(example), name


def test_the_schema_knows_detectors_and_the_types_of_their_parameters() -> None:
    filled = schema({"some-detector": {"a": bool, "b": int, "c": float, "d": str}})

    parameters = filled["$defs"]["detectors"]["properties"]["some-detector"]["properties"]["parameters"]
    kinds = {name: key["type"] for name, key in parameters["properties"].items()}
    assert {"a": "boolean", "b": "integer", "c": "number", "d": "string"} == kinds


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_policies_satisfy_the_schema_for_editors(name: str, shipped: Any) -> None:
    text = (builtin_directory() / f"{name}.yaml").read_text("utf-8")

    jsonschema.validate(yaml.safe_load(text), shipped)
