"""The JSON report keeps its contract, and reads back as it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gate.core.artifact import Artifact, ModelFormat
from gate.core.errors import UsageError
from gate.core.evidence import Evidence, Measurement, Status
from gate.core.report import ArtifactReport, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Rule
from gate.reporters import json as json_format

Rules = tuple[Rule, ...]


def tampered(report: ScanReport, change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(json_format.render(report, ()))
    change(document)
    return json.dumps(document)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_format.schema())


def test_every_report_is_valid_by_the_shipped_schema(sample: ScanReport, rules: Rules) -> None:
    document = json.loads(json_format.render(sample, rules))

    Draft202012Validator(json_format.schema()).validate(document)


def test_every_property_of_the_schema_is_described() -> None:
    def undescribed(node: object, name: str = "") -> list[str]:
        if isinstance(node, list):
            return [found for child in node for found in undescribed(child)]
        if not isinstance(node, dict):
            return []
        here = [
            key
            for key, child in node.get("properties", {}).items()
            if not {"description", "$ref"} & set(child) and key != "value"
        ]
        return here + [found for key, child in node.items() for found in undescribed(child, key)]

    assert [] == undescribed(json_format.schema())


def test_a_report_reads_back_as_written(sample: ScanReport, rules: Rules) -> None:
    text = json_format.render(sample, rules)

    assert text == json_format.render(json_format.parse(text), rules)


def test_pictures_and_hostile_text_read_back_whole(reports: dict[str, ScanReport], rules: Rules) -> None:
    read = json_format.parse(json_format.render(reports["fail"], rules)).artifacts[0]
    hostile = reports["hostile"]

    assert reports["fail"].artifacts[0].evidence[0].trigger == read.evidence[0].trigger
    assert hostile == json_format.parse(json_format.render(hostile, rules))


def test_contract_keys_are_there(reports: dict[str, ScanReport], rules: Rules) -> None:
    document = json.loads(json_format.render(reports["mixed"], rules))
    by_path = {artifact["path"]: artifact for artifact in document["artifacts"]}

    assert ("1.0", "fail", 1) == (document["schema_version"], document["verdict"], document["exit_code"])
    assert sorted(by_path) == [artifact["path"] for artifact in document["artifacts"]]
    assert [
        "BD002: models/big.h5 is a Git LFS pointer; the model is not here. Run `git lfs pull`."
    ] == by_path["models/big.h5"]["not_checked"]


@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    seed=st.integers(),
    text=st.text(alphabet=st.characters(exclude_categories=("Cs",))),
)
def test_numbers_and_text_survive(value: float, seed: int, text: str) -> None:
    evidence = Evidence(
        detector=text,
        rule="BD1",
        status=Status.MEASURED,
        anomaly_index=value,
        measurements=(Measurement(name=text, value=value),),
    )
    entry = ArtifactReport(
        artifact=Artifact(path=text, sha256="", size=0, format=ModelFormat.UNKNOWN),
        verdict=Verdict.PASS,
        evidence=(evidence,),
    )
    stamp = PolicyStamp(sha256="", source=text)
    report = ScanReport(version=text, policy=stamp, profile=text, seed=seed, artifacts=(entry,))

    read = json_format.parse(json_format.render(report, ()))

    assert float(f"{value:.6g}") == read.artifacts[0].evidence[0].anomaly_index
    assert replace(report, artifacts=()) == replace(read, artifacts=())


def test_a_report_from_before_there_was_a_sandbox_can_be_read(reports: dict[str, ScanReport]) -> None:
    document = json.loads(json_format.render(reports["fail"], ()))
    del document["sandbox"]

    assert "" == json_format.parse(json.dumps(document)).sandbox


def test_negative_zero_is_written_as_zero(reports: dict[str, ScanReport]) -> None:
    assert "-0.0" not in json_format.render(reports["fail"], ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON"),
        ("[" * 200_000, "expected JSON"),
        ("[]", "schema_version: expected '1.0', received None"),
        ('{"schema_version": "2.0"}', "schema_version: expected '1.0', received '2.0'"),
        ('{"schema_version": "1.0"}', "is a required property"),
    ],
)
def test_what_is_no_report_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        json_format.parse(text)

    assert "--output json=FILE" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d.update(verdict="pass"),
            "verdict: expected 'fail', as its artifacts say, received 'pass'",
        ),
        (lambda d: d.update(exit_code=0), "exit_code: expected 1"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d["artifacts"][0].update(score=2), r"\$.artifacts\[0\].score: 2 is greater than"),
        (lambda d: d["artifacts"][0].update(anomaly_index=10**400), "too large"),
        (
            lambda d: d["artifacts"][0]["evidence"][0].update(anomaly_index=None),
            "belongs to measured evidence",
        ),
        (lambda d: d["artifacts"][0]["evidence"][0].update(anomaly_index=float("inf")), "finite"),
        (lambda d: d["artifacts"][0]["evidence"][0]["trigger"].update(mask_png="?"), "report: "),
    ],
)
def test_a_report_that_was_tampered_with_is_refused(
    change: Callable[[dict[str, Any]], object], message: str, reports: dict[str, ScanReport]
) -> None:
    with pytest.raises(UsageError, match=message):
        json_format.parse(tampered(reports["fail"], change))


def test_a_whole_float_is_read_as_an_integer(reports: dict[str, ScanReport]) -> None:
    text = tampered(reports["fail"], lambda document: document.update(seed=7.0))

    assert "7" == str(json_format.parse(text).seed)
