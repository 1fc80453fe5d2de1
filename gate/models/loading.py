"""Load a model file that triage has let through.

For now by Keras' own loader, without compiling and in its safe mode; an allow-list rebuild will take this function's
place, and nobody else knows how a model is loaded.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gate.core import rules
from gate.core.errors import IncompleteError
from gate.core.text import printable

_SHOWN = 200


def load(file: Path, written_by: str) -> Any:
    """Return the Keras model in the file, built and with finite weights.

    Args:
        file: Staged copy with the suffix that fits its content.
        written_by: Keras version that the file claims, for the message; "" if unknown.

    Raises:
        IncompleteError: Keras cannot load it (BD003), or its weights are not numbers (BD001).
    """
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise _not_loaded(error, written_by, keras.__version__) from error
    if not getattr(model, "built", False) or not hasattr(model, "inputs"):
        raise IncompleteError(
            rules.UNSUPPORTED.id,
            "The model was saved without its input shape, or is a subclassed model.",
            hint="Save it as a functional or Sequential model with a keras.Input.",
        )
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise IncompleteError(
            rules.UNREADABLE.id,
            "Some weights are NaN or infinite; every score would be meaningless.",
            hint="Train the model again, or find out who changed the file.",
        )
    return model


def _not_loaded(error: Exception, written_by: str, ours: str) -> IncompleteError:
    cause = printable(" ".join(str(error).split()), _SHOWN)
    author = f"It was written by Keras {printable(written_by, 40)}. " if written_by else ""
    return IncompleteError(
        rules.UNSUPPORTED.id,
        f"Keras {ours} cannot load this model. {author}Its loader says: {type(error).__name__}: {cause.rstrip('.')}.",
        hint="Load it with the Keras that wrote it and save it again with Keras 3: model.save('model.keras').",
    )
