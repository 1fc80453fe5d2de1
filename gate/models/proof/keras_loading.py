"""Let Keras itself load a model file, to see that it builds what the gate rebuilds.

Keras' loader imports what a file names and follows the file's word. So it runs in a locked child of its own, after the
static checks have found nothing and the gate has rebuilt the network; what it says is taken as data (ADR 33).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gate.core.keras_load import KerasLoad
from gate.models.proof.description import describe
from gate.models.rebuild.problems import cause


def load_by_keras(file: Path) -> KerasLoad:
    """Return what Keras builds from a file, or why it refuses it.

    Args:
        file: Staged copy, named as its format asks for: Keras goes by the name.
    """
    import keras

    version = str(keras.__version__)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            network = network_by_keras(file)
        except Exception as error:  # whatever a file makes a loader raise is its refusal
            return KerasLoad(version=version, refusal=cause(error))
        return KerasLoad(version=version, network=describe(network))


def network_by_keras(file: Path) -> Any:
    """Return the network that Keras builds from a file; it raises whatever the file makes Keras raise.

    Args:
        file: Staged copy, named as its format asks for.
    """
    import keras

    return keras.saving.load_model(file, compile=False, safe_mode=True)
