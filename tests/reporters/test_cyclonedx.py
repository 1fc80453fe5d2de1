"""The bill of materials is one by CycloneDX's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cyclonedx.schema
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import cyclonedx as cyclonedx_format

SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    parts = ("bom-1.6", "spdx", "jsf-0.82", "cryptography-defs")
    resources = [Resource.from_contents(schema(name)) for name in parts]
    registry: Registry[Any] = Registry().with_resources([(each.id() or "", each) for each in resources])
    return Draft7Validator(schema("bom-1.6"), registry=registry)


def test_every_bill_is_valid(sample: ScanReport, rules: tuple[Rule, ...], validator: Draft7Validator) -> None:
    validator.validate(json.loads(cyclonedx_format.render(sample, rules)))


def test_the_schema_would_see_a_mistake(reports: dict[str, ScanReport], validator: Draft7Validator) -> None:
    bill = json.loads(cyclonedx_format.render(reports["pass"], ()))
    bill["components"][0]["type"] = "model"

    assert not validator.is_valid(bill)


def test_a_model_has_its_digest_and_its_measurements(reports: dict[str, ScanReport]) -> None:
    (component,) = json.loads(cyclonedx_format.render(reports["fail"], ()))["components"]

    assert "SHA-256" == component["hashes"][0]["alg"]
    assert {"type": "anomaly_index", "slice": "neural-cleanse", "value": "7.41235"} in component["modelCard"][
        "quantitativeAnalysis"
    ]["performanceMetrics"]
    assert {"name": "backdoor-gate:verdict", "value": "fail"} in component["properties"]
