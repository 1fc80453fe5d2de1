"""The scanning child, spoken to as the gate speaks to it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gate
from gate.core.artifact import Artifact, ModelFormat
from gate.core.codec import from_plain, to_plain
from gate.core.evidence import Status
from gate.core.job import DataCall, DetectorCall, Job
from gate.core.scan import Scan
from gate.worker import scan

WORKER = Path(gate.__file__).with_name("worker.py")


@pytest.fixture
def job(examples: Path) -> Job:
    model = examples / "models" / "clean.keras"
    return Job(
        nonce="n0nce",
        artifact=Artifact(path="m.keras", sha256="ab" * 32, size=1, format=ModelFormat.KERAS_ZIP),
        file=str(model),
        profile="quick",
        seed=0,
        detectors=(),
        input_range=None,
        input_range_source="",
        data=None,
        memory_mb=0,
    )


def answer(job: Job) -> tuple[list[list[object]], Scan]:
    """Return the progress and the scan that a worker sends; everything else that it prints is an error."""
    done = subprocess.run(
        [sys.executable, WORKER], input=json.dumps(to_plain(job)), capture_output=True, text=True, check=True
    )
    *progress, record = map(json.loads, done.stdout.splitlines())
    assert job.nonce == record["nonce"]
    return [line["progress"] for line in progress], from_plain(Scan, record["scan"])


def test_without_detectors_the_file_is_only_read(job: Job) -> None:
    progress, found = answer(job)

    assert [["reading the file", 0, 1, ""]] == progress
    assert dataclasses.replace(found, seconds=0.0, confinement=None) == Scan(artifact=job.artifact)


def test_a_file_that_cannot_be_read_is_a_gap(job: Job, tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    artifact = dataclasses.replace(job.artifact, format=ModelFormat.HDF5)

    found = scan(
        dataclasses.replace(job, file=str(tmp_path / "model.h5"), artifact=artifact), lambda *_: None
    )

    assert ["BD001"] == [gap.rule for gap in found.gaps]


def test_a_detector_that_crashes_is_evidence_of_nothing_and_the_others_go_on(
    job: Job, examples: Path
) -> None:
    calls = (
        DetectorCall(detector="neural-cleanse", parameters='{"restarts": 1, "steps": 3, "images": 4}'),
        DetectorCall(detector="neural-cleanse", parameters='{"restarts": 0}'),
        DetectorCall(detector="activation-clustering"),
    )
    data = DataCall(path=str(examples / "data" / "digits.npz"), role="clean")

    progress, found = answer(dataclasses.replace(job, detectors=calls, data=data))

    assert [Status.MEASURED, Status.FAILED, Status.SKIPPED] == [each.status for each in found.evidence]
    assert "BD101" == found.evidence[1].rule
    assert "Error: " in found.evidence[1].reason
    assert "the data set given is a clean one" in found.evidence[2].reason
    assert found.model is not None
    assert (28, 28, 1) == found.model.input_shape
    assert "loading the model" in [stage for stage, *_ in progress]
