"""Jobs and scans to remember."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.job import Job
from gate.core.report import ModelFacts
from gate.core.scan import Scan
from tests.jobs import INVERSION, job_of


def scan_of(job: Job, **changes: object) -> Scan:
    trigger = Trigger(target_label=3, l1_norm=1.5, attack_success_rate=1.0, mask_png=b"\x89PNG")
    evidence = Evidence(
        detector="neural-cleanse",
        rule="BD101",
        status=Status.MEASURED,
        anomaly_index=2.5,
        target_labels=(3,),
        measurements=(Measurement(name="trigger_norm", value=0.1 + 0.2, label=3),),
        trigger=trigger,
    )
    facts = ModelFacts(
        input_shape=(8, 8, 1),
        num_classes=10,
        parameters=99,
        head="softmax",
        input_range=(0.0, 1.0),
        input_range_source="inferred",
        images="strokes",
    )
    scan = Scan(artifact=job.artifact, evidence=(evidence,), model=facts, score=0.9, seconds=4.2)
    return dataclasses.replace(scan, **changes)  # type: ignore[arg-type]


@pytest.fixture
def make_job() -> Callable[..., Job]:
    usual: dict[str, object] = {"detectors": INVERSION, "memory_mb": 4096}
    return lambda **changes: job_of(**{**usual, **changes})


@pytest.fixture
def make_scan() -> Callable[..., Scan]:
    return scan_of
