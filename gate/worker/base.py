"""The model that a change replaces, as far as it can be compared with: a model that nobody accuses, and that never clears another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate.core.errors import GateError
from gate.core.job import Job
from gate.worker.inspecting import LONGEST_INSPECTION, ended_after

if TYPE_CHECKING:
    from gate.models.prepare import Base, PreparedModel


def base_of(job: Job, model: PreparedModel) -> Base:
    """Return the network that a job's model replaces; why there is none, if there is none.

    Args:
        job: The scan.
        model: Its model.
    """
    from gate.models.loading import load
    from gate.models.prepare import Base, prepare_base
    from gate.triage.inspection import inspect

    if job.base is None:
        return model.base
    file, kind = Path(job.base.file), job.base.format
    try:
        with ended_after(LONGEST_INSPECTION):
            inspection = inspect(file, kind)
        stored = inspection.stored
        if inspection.findings or stored is None:
            return Base(lack="The model that it replaces does not pass the static checks.")
        network = load(file, kind, stored.config, stored.keras_version)
    except GateError as error:
        return Base(lack=f"The model that it replaces cannot be read: {error}")
    return prepare_base(network, stored.loss, model, job.seed)
