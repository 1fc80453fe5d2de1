from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gate.core.evidence import Evidence, Measurement, Status, Trigger

MEASURED: dict[str, Any] = {
    "detector": "neural-cleanse", "rule": "BD101", "status": Status.MEASURED, "anomaly_index": 1.0,
}  # fmt: skip
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("field", ["anomaly_index", "paper_statistic"])
def test_evidence_holds_finite_numbers_only(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected a finite number"):
        Evidence(**MEASURED | {field: value})


@pytest.mark.parametrize("value", NOT_FINITE)
def test_measurements_and_triggers_hold_finite_numbers_only(value: float) -> None:
    with pytest.raises(ValueError, match="trigger_norm: expected a finite number"):
        Measurement(name="trigger_norm", value=value)
    with pytest.raises(ValueError, match="l1_norm"):
        Trigger(target_label=0, l1_norm=value, attack_success_rate=1.0)
    with pytest.raises(ValueError, match="attack_success_rate"):
        Trigger(target_label=0, l1_norm=1.0, attack_success_rate=value)


@pytest.mark.parametrize(
    ("status", "index"), [(Status.MEASURED, None), (Status.SKIPPED, 1.0), (Status.FAILED, 0.0)]
)
def test_measured_evidence_and_no_other_has_an_index(status: Status, index: float | None) -> None:
    with pytest.raises(ValueError, match="an anomaly index belongs to measured evidence"):
        Evidence(**MEASURED | {"status": status, "anomaly_index": index, "reason": "because"})


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.FAILED])
def test_evidence_that_was_not_measured_says_why(status: Status) -> None:
    with pytest.raises(ValueError, match=f"{status} evidence needs a reason"):
        Evidence(**MEASURED | {"status": status, "anomaly_index": None})


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Evidence(**MEASURED).anomaly_index = 0.0  # type: ignore[misc]  # that it is refused is the point
