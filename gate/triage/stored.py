"""Read the configuration that a model file stores, within bounds, without building anything."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.core.artifact import ModelFormat
from gate.core.text import printable
from gate.core.training_loss import TrainingLoss
from gate.triage.documents import Document, parse
from gate.triage.findings import BeyondLimitsError
from gate.triage.problems import reading, unreadable

LARGEST_CONFIG = 32 * 1024 * 1024
# Keras writes the first, zip programs write the second; other decoders need not see what a stranger wrote.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
WEIGHTS = "model.weights.h5"
_CLAIM = 60


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a file says of its model. Facts of the file, never to be trusted.

    Attributes:
        config: The architecture, as JSON.
        keras_version: Version that wrote it; "" if it does not say.
        loss: That the model was trained with.
        training: How an HDF5 file says that the model was compiled, as JSON; empty if it does not say.
        backend: Backend that wrote it; "" if it does not say.
        saved_at: When it was saved; "" if it does not say.
        doubled: Keys that stand twice in one object of the configuration.
    """

    config: dict[str, Any]
    keras_version: str
    loss: TrainingLoss
    training: dict[str, Any] = field(default_factory=dict)
    backend: str = ""
    saved_at: str = ""
    doubled: tuple[str, ...] = ()


def read(file: Path, kind: ModelFormat) -> StoredModel:
    """Read what the file stores beside its weights.

    Raises:
        IncompleteError: The file is damaged, or holds no architecture (rule BD001).
        BeyondLimitsError: What it stores is too large or too deep to be read.
    """
    return _read_zip(file) if kind is ModelFormat.KERAS_ZIP else _read_hdf5(file)


def _read_hdf5(file: Path) -> StoredModel:
    import h5py

    with reading("The HDF5 file"), h5py.File(file, "r") as store:
        keys = ("model_config", "training_config", "keras_version", "backend")
        raw = {key: _attribute(store, key) for key in keys}
        holds_weights = "layer_names" in store.attrs or "layers" in store or "model_weights" in store
    if not raw["model_config"]:
        kind = (
            "weights only, without an architecture" if holds_weights else "no Keras model (no model_config)"
        )
        raise unreadable(f"The HDF5 file holds {kind}.")
    config = parse(raw["model_config"], "model_config")
    training = parse(raw["training_config"] or "{}", "training_config")
    return StoredModel(
        config.value,
        raw["keras_version"],
        _loss(training.value),
        training.value,
        backend=_claim(raw["backend"]),
        doubled=config.doubled + training.doubled,
    )


def _attribute(store: Any, key: str) -> str:  # h5py ships no types
    if key not in store.attrs:
        return ""
    value = store.attrs[key]
    if not isinstance(value, (bytes, str)):
        raise unreadable(f"The attribute {key} holds {type(value).__name__}; expected text.")
    _require_small(len(value), f"The attribute {key}", key)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _read_zip(file: Path) -> StoredModel:
    with reading("The .keras archive"), zipfile.ZipFile(file) as archive:
        config, metadata = _documents(archive)
    compiled = config.value.get("compile_config")
    return StoredModel(
        config.value,
        str(metadata.value.get("keras_version", "")),
        _loss(compiled if isinstance(compiled, dict) else {}),
        backend=_claim(metadata.value.get("backend", "")),
        saved_at=_claim(metadata.value.get("date_saved", "")),
        doubled=config.doubled + metadata.doubled,
    )


def _documents(archive: zipfile.ZipFile) -> tuple[Document, Document]:
    members = set(archive.namelist())
    if "config.json" not in members:
        raise unreadable("The zip archive holds no config.json; it is no .keras model.")
    if WEIGHTS not in members:
        raise unreadable(f"The .keras archive holds no {WEIGHTS}; its weights are missing.")
    config = parse(_member(archive, "config.json"), "config.json")
    has_metadata = "metadata.json" in members
    return config, parse(_member(archive, "metadata.json") if has_metadata else "{}", "metadata.json")


def _member(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).compress_type not in COMPRESSIONS:
        raise unreadable(f"{name} is compressed in a way that Keras does not use.")
    with archive.open(name) as member:
        content = member.read(LARGEST_CONFIG + 1)
    _require_small(len(content), name, name)
    return content.decode("utf-8", "replace")


def _require_small(size: int, what: str, subject: str) -> None:
    if size > LARGEST_CONFIG:
        raise BeyondLimitsError(
            f"size:{subject}", f"{what} is larger than {LARGEST_CONFIG} bytes. It was not read."
        )


def _claim(value: object) -> str:
    return printable(value, _CLAIM) if isinstance(value, str) else ""


def _loss(training: dict[str, Any]) -> TrainingLoss:
    """Return the loss, from any of the forms that Keras has written over the years."""
    loss = training.get("loss", training.get("loss_config", ""))
    from_logits = False
    while isinstance(loss, (dict, list)):
        from_logits = _is_from_logits(loss)
        loss = _unwrapped(loss)
    if not isinstance(loss, str):
        return TrainingLoss()
    name = printable(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", loss).lower(), 60)
    return TrainingLoss(name, from_logits)


def _is_from_logits(loss: dict[str, Any] | list[Any]) -> bool:
    config = loss.get("config") if isinstance(loss, dict) else None
    return isinstance(config, dict) and config.get("from_logits") is True


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
