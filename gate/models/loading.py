"""Load a model file that triage has let through; nobody else knows how a model is loaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gate.core import incomplete_rules
from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.models.rebuild.rebuilding import rebuild


def load(file: Path, kind: ModelFormat, config: dict[str, Any], written_by: str) -> Any:
    """Return the Keras model in the file, built and with finite weights.

    Args:
        file: Staged copy of the file.
        kind: Its format.
        config: The architecture that it stores, as JSON. Keras never sees it: the network is built anew from it.
        written_by: Keras version that the file claims; "" if unknown.

    Raises:
        IncompleteError: The gate cannot rebuild it (BD003), or its weights are damaged or no numbers (BD001).
    """
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("ignore")
        model = rebuild(file, kind, config, written_by)
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise IncompleteError(
            incomplete_rules.UNREADABLE.id,
            "Some weights are NaN or infinite; every score would be meaningless.",
            hint="Train the model again, or find out who changed the file.",
        )
    return model
