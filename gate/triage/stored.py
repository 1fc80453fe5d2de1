"""Read the configuration that a model file stores, within bounds, without building anything."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.core import rules
from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.core.text import printable

_LARGEST_CONFIG = 32 * 1024 * 1024
# Keras writes the first, zip programs write the second; other decoders need not see what a stranger wrote.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
_SAVE_AGAIN = "Save the whole model again: model.save('model.keras')."


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a file says of its model. Facts of the file, never to be trusted.

    Attributes:
        config: The architecture, as JSON.
        keras_version: Version that wrote it; "" if it does not say.
        loss: Training loss in snake_case; "" if it does not say.
    """

    config: dict[str, Any]
    keras_version: str
    loss: str


def read(file: Path, kind: ModelFormat) -> StoredModel:
    """Read what the file stores beside its weights.

    Raises:
        IncompleteError: The file is damaged, or holds no architecture (rule BD001).
    """
    return _read_zip(file) if kind is ModelFormat.KERAS_ZIP else _read_hdf5(file)


def unreadable(message: str, hint: str = _SAVE_AGAIN) -> IncompleteError:
    """Return the error for a file that is no whole Keras model."""
    return IncompleteError(rules.UNREADABLE.id, message, hint=hint)


def _read_hdf5(file: Path) -> StoredModel:
    import h5py

    try:
        with h5py.File(file, "r") as store:
            raw = {
                key: _attribute(store, key) for key in ("model_config", "training_config", "keras_version")
            }
            holds_weights = "layer_names" in store.attrs or "layers" in store or "model_weights" in store
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(f"The HDF5 file is damaged or truncated ({printable(str(error), 120)}).") from error
    if not raw["model_config"]:
        kind = (
            "weights only, without an architecture" if holds_weights else "no Keras model (no model_config)"
        )
        raise unreadable(f"The HDF5 file holds {kind}.")
    training = _parse(raw["training_config"], "training_config") if raw["training_config"] else {}
    return StoredModel(_parse(raw["model_config"], "model_config"), raw["keras_version"], _loss(training))


def _attribute(store: Any, key: str) -> str:  # h5py ships no types
    if key not in store.attrs:
        return ""
    value = store.attrs[key]
    if not isinstance(value, (bytes, str)):
        raise unreadable(f"The attribute {key} holds {type(value).__name__}; expected text.")
    if len(value) > _LARGEST_CONFIG:
        raise unreadable(f"The attribute {key} is larger than {_LARGEST_CONFIG} bytes.")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _read_zip(file: Path) -> StoredModel:
    try:
        with zipfile.ZipFile(file) as archive:
            members = set(archive.namelist())
            if "config.json" not in members:
                raise unreadable("The zip archive holds no config.json; it is no .keras model.")
            config = _parse(_member(archive, "config.json"), "config.json")
            metadata = (
                _parse(_member(archive, "metadata.json"), "metadata.json")
                if "metadata.json" in members
                else {}
            )
            if "model.weights.h5" not in members:
                raise unreadable("The .keras archive holds no model.weights.h5; its weights are missing.")
    except _DAMAGED as error:
        raise unreadable(
            f"The .keras archive is damaged or truncated ({printable(str(error), 120)})."
        ) from error
    compiled = config.get("compile_config")
    loss = _loss(compiled if isinstance(compiled, dict) else {})
    return StoredModel(config, str(metadata.get("keras_version", "")), loss)


def _member(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).compress_type not in _COMPRESSIONS:
        raise unreadable(f"{name} is compressed in a way that Keras does not use.")
    with archive.open(name) as member:
        content = member.read(_LARGEST_CONFIG + 1)
    if len(content) > _LARGEST_CONFIG:
        raise unreadable(f"{name} is larger than {_LARGEST_CONFIG} bytes.")
    return content.decode("utf-8", "replace")


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable(f"{name} is no valid JSON ({printable(str(error), 120)}).") from error
    if not isinstance(parsed, dict):
        raise unreadable(f"{name} holds {type(parsed).__name__}; expected an object.")
    return parsed


def _loss(training: dict[str, Any]) -> str:
    """Return the loss's name in snake_case, from any of the forms that Keras has written over the years."""
    loss = training.get("loss", training.get("loss_config", ""))
    while isinstance(loss, (dict, list)):
        loss = _unwrapped(loss)
    if not isinstance(loss, str):
        return ""
    return printable(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", loss).lower(), 60)


def _unwrapped(loss: dict[str, Any] | list[Any]) -> Any:
    """Return what is inside one layer of wrapping; "" where several outputs have a loss each."""
    if isinstance(loss, list) or "class_name" not in loss:
        outputs = loss if isinstance(loss, list) else list(loss.values())
        return outputs[0] if len(outputs) == 1 else ""
    config = loss.get("config")
    if isinstance(config, str):  # a function by its name
        return config
    # The class says more than its name, which the author may choose; a wrapper says nothing.
    if loss["class_name"] == "LossFunctionWrapper" and isinstance(config, dict):
        return config.get("name", "")
    return loss["class_name"]
