"""The scanning child, spoken to as the gate speaks to it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gate
from gate.core.artifact import ModelFormat
from gate.core.codec import from_plain, to_plain
from gate.core.evidence import Status
from gate.core.job import DataCall, DetectorCall, Job, Role
from gate.core.scan import Scan
from gate.worker.scanning import scan
from tests.jobs import keras_job

WORKER = Path(gate.__file__).with_name("worker") / "child.py"


@pytest.fixture
def job(examples: Path) -> Job:
    return keras_job(examples / "models" / "clean.keras")


Answer = Callable[..., tuple[list[list[object]], Scan]]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Return the progress and the scan that a worker sends; everything else that it prints is an error."""
    home = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "KERAS_HOME")}

    def ask(job: Job, *command: str) -> tuple[list[list[object]], Scan]:
        done = subprocess.run(
            [sys.executable, *(command or (str(WORKER),))],
            cwd=tmp_path,
            env=os.environ | home,
            input=json.dumps(to_plain(job)),
            capture_output=True,
            text=True,
            check=True,
        )
        *progress, record = map(json.loads, done.stdout.splitlines())
        assert job.nonce == record["nonce"]
        return [line["progress"] for line in progress], from_plain(Scan, record["scan"])

    return ask


def test_without_detectors_the_file_is_only_read(job: Job, answer: Answer) -> None:
    progress, found = answer(job)

    assert [["reading the file", 0, 1, ""]] == progress
    assert found.content is not None
    assert dataclasses.replace(found, seconds=0.0, confinement=None, content=None) == Scan(
        artifact=job.artifact
    )


def test_a_file_that_cannot_be_read_is_a_gap(job: Job, tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    artifact = dataclasses.replace(job.artifact, format=ModelFormat.HDF5)

    found = scan(
        dataclasses.replace(job, file=str(tmp_path / "model.h5"), artifact=artifact), lambda *_: None
    )

    assert ["BD001"] == [gap.rule for gap in found.gaps]


@pytest.mark.slow
def test_a_detector_that_fails_is_evidence_of_nothing_and_the_others_go_on(
    job: Job, examples: Path, answer: Answer
) -> None:
    calls = (
        DetectorCall(detector="neural-cleanse", parameters='{"restarts": 0}'),
        DetectorCall(detector="head-weights"),
        DetectorCall(detector="activation-clustering", parameters='{"layer": "renamed"}'),
    )
    data = DataCall(path=str(examples / "data" / "digits.npz"), role=Role.TRAIN)

    progress, found = answer(dataclasses.replace(job, detectors=calls, data=data))

    assert () == found.gaps
    assert [Status.FAILED, Status.MEASURED, Status.FAILED] == [each.status for each in found.evidence]
    crashed, _, stopped = found.evidence
    assert "BD101" == crashed.rule
    assert "Error: " in crashed.reason
    assert "renamed" in stopped.reason
    assert found.model is not None
    assert (28, 28, 1) == found.model.input_shape
    assert "loading the model" in [stage for stage, *_ in progress]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
def test_a_scan_says_how_it_is_locked_in(job: Job, answer: Answer) -> None:
    _, found = answer(dataclasses.replace(job, require_sandbox=True))

    assert found.confinement is not None
    assert str(found.confinement).startswith("landlock ")
    assert () == found.gaps


# Another thread is running already, so that Landlock cannot hold the whole process.
UNCONFINED = """
import threading
from gate.worker import child
threading.Thread(target=threading.Event().wait, daemon=True).start()
child.main()
"""


@pytest.mark.parametrize("is_required", [True, False])
def test_what_cannot_be_locked_in_is_scanned_only_if_that_is_not_required(
    job: Job, answer: Answer, is_required: bool
) -> None:
    progress, found = answer(dataclasses.replace(job, require_sandbox=is_required), "-c", UNCONFINED)

    assert is_required == (["BD007"] == [gap.rule for gap in found.gaps])
    assert is_required == (not progress)
    assert found.confinement is not None
    assert found.confinement.missing


@pytest.mark.slow
def test_being_locked_in_changes_no_measurement(job: Job, examples: Path, answer: Answer) -> None:
    asked = dataclasses.replace(
        job,
        detectors=(DetectorCall(detector="neural-cleanse"), DetectorCall(detector="activation-clustering")),
        data=DataCall(path=str(examples / "data" / "digits.npz"), role=Role.TRAIN),
    )

    _, inside = answer(dataclasses.replace(asked, require_sandbox=True, memory_mb=4096))
    _, outside = answer(asked, "-c", UNCONFINED)

    assert [Status.MEASURED, Status.MEASURED] == [each.status for each in inside.evidence]
    assert outside.evidence == inside.evidence
    assert outside.confinement != inside.confinement


@pytest.mark.parametrize(
    "script", ["worker/child.py", "worker/server.py", "worker/training_child.py", "sandbox/probe.py"]
)
def test_no_other_gate_that_is_installed_stands_in_for_it(tmp_path: Path, script: str) -> None:
    copy = shutil.copytree(WORKER.parents[1], tmp_path / "gate", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "core" / "codec.py").write_text("raise SystemExit('the copy')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('no library')")

    done = subprocess.run(
        [sys.executable, "-I", str(copy / script)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )

    assert "the copy" == done.stderr.strip()
