"""Rebuild one stored network: build it without memory for its weights, hold it against the file, then fill it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gate.core.artifact import ModelFormat
from gate.models.rebuild import weights_hdf5, weights_keras
from gate.models.rebuild.builder import Builder
from gate.models.rebuild.normalise import is_keras_3
from gate.models.rebuild.problems import damaged, shown, unsupported
from gate.models.rebuild.reading import guarded, stored_weights


def rebuild(file: Path, kind: ModelFormat, config: dict[str, Any], written_by: str) -> Any:
    """Return the network that a file describes, filled with its weights.

    Args:
        file: Model file that triage let through.
        kind: Its format.
        config: The architecture that it stores.
        written_by: Keras version that it claims; "" if it does not say.

    Raises:
        IncompleteError: The network holds what the gate does not rebuild (BD003), or the file is damaged (BD001).
    """
    weights = weights_keras if kind is ModelFormat.KERAS_ZIP else weights_hdf5
    with stored_weights(file, kind) as found:
        network = _build(
            config,
            _arrays(found),
            is_keras_3=is_keras_3(written_by),
            shares=kind is ModelFormat.KERAS_ZIP,
        )
        guarded(weights.fill, network, found)
    _settle(network, kind)
    return network


def _arrays(found: weights_hdf5.Arrays | weights_keras.Arrays) -> list[Any]:
    groups = (group.values() if isinstance(group, dict) else group for group in found.values())
    return [array for group in groups for array in group]


def _build(config: dict[str, Any], arrays: list[Any], **notation: bool) -> Any:
    """Return the network with all weights zero; they get memory once they are known to be no more than stored."""
    import keras

    largest = max((size for array in arrays for size in array.shape), default=1)
    try:
        with keras.StatelessScope(initialize_variables=False):
            network = Builder(largest=largest, **notation).network(config)
        _check_built(network)
        _compare(network, arrays)
    except BaseException:
        keras.utils.clear_session(
            free_memory=False
        )  # else the next network would bring this one's weights to life
        raise
    with keras.StatelessScope():
        pass  # leaving it gives memory to every weight that has none
    return network


def _check_built(network: Any) -> None:
    import keras

    if not isinstance(network, keras.Model) or not network.built:
        raise unsupported(
            "The model was saved without its input shape, or is a subclassed model.",
            hint="Save it as a functional or Sequential model with a keras.Input.",
        )


def _compare(network: Any, arrays: list[Any]) -> None:
    needed = sum(math.prod(weight.shape) for weight in network.weights)
    held = sum(math.prod(array.shape) for array in arrays)
    if needed > held:
        raise damaged(f"The architecture needs {needed} weights; the file holds {held}.")


def _settle(network: Any, kind: ModelFormat) -> None:
    """Let layers that derive values from their weights do so again, as Keras does: of an HDF5 file, only the outermost."""
    outermost = {id(layer) for layer in network.layers}
    for layer in network._flatten_layers(include_self=False):
        if not hasattr(layer, "finalize_state"):
            continue
        if kind is ModelFormat.HDF5 and id(layer) not in outermost and layer.weights:
            raise unsupported(
                f"The layer {shown(layer.name)} normalises within another layer or network by a mean that it stores; Keras 3 forgets "
                "it when it reads an HDF5 file.",
                hint="Save the model again as .keras, with the Keras that made it: model.save('model.keras').",
            )
        layer.finalize_state()
