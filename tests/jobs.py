"""The job of one model, as the parent would hand it to a child."""

from __future__ import annotations

import dataclasses

from gate.core.artifact import Artifact, ModelFormat
from gate.core.job import DetectorCall, Job

INVERSION = (DetectorCall(detector="neural-cleanse"),)

_STATIC = Job(
    nonce="n0nce",
    artifact=Artifact(path="m.h5", sha256="ab" * 32, size=1, format=ModelFormat.HDF5),
    file="/nowhere/m.h5",
    profile="quick",
    seed=0,
    detectors=(),
    input_range=None,
    input_range_source="",
    data=None,
    memory_mb=0,
)


def job_of(**changes: object) -> Job:
    """Return a job of static checks, with changes."""
    return dataclasses.replace(_STATIC, **changes)  # type: ignore[arg-type]


def keras_job(file: object, **changes: object) -> Job:
    """Return a job of static checks of a `.keras` file that is there, with changes."""
    artifact = Artifact(path="m.keras", sha256="ab" * 32, size=1, format=ModelFormat.KERAS_ZIP)
    return job_of(artifact=artifact, file=str(file), **changes)
