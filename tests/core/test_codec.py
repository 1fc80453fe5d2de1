from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.artifact import Artifact, ModelFormat
from gate.core.codec import from_plain, to_plain
from gate.core.evidence import Evidence, Measurement, Status, Suspects, SuspectSample, Trigger
from gate.core.finding import Finding
from gate.core.job import DataCall, DetectorCall, Job
from gate.core.report import ArtifactReport, Gap, ModelFacts, PolicyStamp, ScanReport
from gate.core.rule import Rule
from gate.core.scan import Scan

RECORDS = (
    Artifact, ArtifactReport, DataCall, DetectorCall, Evidence, Finding, Gap, Job, Measurement, ModelFacts,
    PolicyStamp, Rule, Scan, ScanReport, Suspects, SuspectSample, Trigger,
)  # fmt: skip
ARTIFACT = Artifact(path="m.keras", sha256="0" * 64, size=7, format=ModelFormat.KERAS_ZIP)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    bytes: st.binary(max_size=8),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Draw values of a type as the records write it."""
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.none() | values(arguments[0])
    if typing.get_origin(hint) is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(values(arguments[0]), max_size=2).map(tuple)
        return st.tuples(*map(values, arguments))
    if dataclasses.is_dataclass(hint):
        return records(hint)
    return st.sampled_from(hint) if issubclass(hint, Enum) else SCALARS[hint]


def records(record: Any) -> st.SearchStrategy[Any]:
    fields = {name: values(hint) for name, hint in typing.get_type_hints(record).items()}
    if record is not Evidence:
        return st.builds(record, **fields)
    unmeasured = {"status": st.sampled_from([Status.SKIPPED, Status.FAILED]), "reason": st.just("no data")}
    return st.builds(
        Evidence, **fields | {"status": st.just(Status.MEASURED), "anomaly_index": values(float)}
    ) | st.builds(Evidence, **fields | unmeasured | {"anomaly_index": st.none()})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_record_survives_the_way_through_json(record: Any, data: st.DataObject) -> None:
    original = data.draw(records(record))

    sent = json.dumps(to_plain(original), allow_nan=False)

    assert original == from_plain(record, json.loads(sent))


def test_enums_and_bytes_become_text() -> None:
    trigger = Trigger(target_label=1, l1_norm=2.0, attack_success_rate=0.5, mask_png=b"\x00\xff")

    assert "keras" == to_plain(ARTIFACT)["format"]
    assert "AP8=" == to_plain(trigger)["mask_png"]


@pytest.mark.parametrize(
    ("record", "change", "message"),
    [
        (ARTIFACT, {"size": "7"}, "Artifact.size: expected int, received str"),
        (ARTIFACT, {"size": True}, "Artifact.size: expected int, received bool"),
        (ARTIFACT, {"size": 7.0}, "Artifact.size: expected int, received float"),
        (ARTIFACT, {"path": None}, "Artifact.path: expected str, received NoneType"),
        (ARTIFACT, {"path": {"a": 1}}, "Artifact.path: expected str, received keys ['a']"),
        (ARTIFACT, {"format": "pickle"}, "'pickle' is not a valid ModelFormat"),
        (ARTIFACT, {"format": ["keras"]}, "is not a valid ModelFormat"),
        (ARTIFACT, {"surprise": 1}, "Artifact: expected the keys ['format', 'path', 'sha256', 'size'], received keys"),
        (Measurement(name="n", value=1.0), {"value": float("nan")}, "Measurement.value: expected a finite number"),
        (Measurement(name="n", value=1.0), {"value": float("inf")}, "Measurement.value: expected a finite number"),
        (Measurement(name="n", value=1.0), {"value": 10**400}, "Measurement.value: expected a finite number"),
        (Measurement(name="n", value=1.0), {"value": True}, "Measurement.value: expected float, received bool"),
        (Measurement(name="n", value=1.0), {"value": "1"}, "Measurement.value: expected float, received str"),
        (Scan(artifact=ARTIFACT), {"seconds": float("nan")}, "Scan.seconds: expected a finite number"),
        (Scan(artifact=ARTIFACT), {"gaps": "BD001"}, "Scan.gaps: expected a list, received str"),
        (Scan(artifact=ARTIFACT), {"gaps": ["BD001"]}, "Scan.gaps[]: expected the keys ['message', 'rule'], received str"),
        (Scan(artifact=ARTIFACT), {"artifact": None}, "Scan.artifact: expected the keys"),
        (
            Trigger(target_label=1, l1_norm=2.0, attack_success_rate=0.5),
            {"mask_png": "not base64!"},
            "Trigger.mask_png: expected base64, received 11 characters that are not",
        ),
    ],
)  # fmt: skip
def test_what_is_not_a_record_is_refused_with_its_place(
    record: Any, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        from_plain(type(record), to_plain(record) | change)

    assert message in str(error.value)


@pytest.mark.parametrize("missing", ["path", "sha256", "size", "format"])
def test_a_missing_key_is_refused(missing: str) -> None:
    plain = to_plain(ARTIFACT)
    del plain[missing]

    with pytest.raises(ValueError, match="Artifact: expected the keys"):
        from_plain(Artifact, plain)


@pytest.mark.parametrize("plain", [None, [], "text", 3])
def test_a_value_that_is_no_object_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="Artifact: expected the keys"):
        from_plain(Artifact, plain)


def test_a_pair_needs_two_items() -> None:
    facts = ModelFacts(
        input_shape=(8, 8, 1), num_classes=2, parameters=3, head="softmax", input_range=(0.0, 1.0),
        input_range_source="option", images="noise",
    )  # fmt: skip

    with pytest.raises(ValueError, match=r"ModelFacts.input_range: expected 2 items, received 1"):
        from_plain(ModelFacts, to_plain(facts) | {"input_range": [0.0]})


def test_a_whole_number_is_a_float_where_a_float_is_due() -> None:
    found = from_plain(Measurement, {"name": "n", "value": 3, "unit": "", "label": None})

    assert (3.0, float) == (found.value, type(found.value))
