from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.models.loading import load
from gate.triage.stored import read

FORMATS = {".keras": ModelFormat.KERAS_ZIP, ".h5": ModelFormat.HDF5}


@pytest.fixture(scope="session")
def rebuilt(keras: Any) -> Callable[[Path], Any]:
    """Load a file as the scanning process does."""

    def run(file: Path) -> Any:
        kind = FORMATS[file.suffix]
        stored = read(file, kind)
        return load(file, kind, stored.config, stored.keras_version)

    return run


@pytest.fixture
def saved(keras: Any, tmp_path: Path) -> Callable[..., Path]:
    """Save a network after giving it random weights, then let `change` alter the architecture in the file."""
    import numpy as np

    def run(
        network: Any,
        suffix: str = ".keras",
        change: Callable[[Any], Any] | None = None,
        written_by: str | None = None,
    ) -> Path:
        random = np.random.default_rng(7)
        for weight in network.weights:
            if weight.dtype == "float32":
                low = 0.5 if "variance" in weight.path else -0.3
                weight.assign(random.uniform(low, low + 0.7, weight.shape))
        for layer in network.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()
        file = tmp_path / f"model{suffix}"
        network.save(file)
        if change is not None or written_by is not None:
            _rewrite(file, change or (lambda config: config), written_by)
        return file

    return run


def _rewrite(file: Path, change: Callable[[Any], Any], written_by: str | None) -> None:
    if file.suffix == ".h5":
        import h5py

        with h5py.File(file, "r+") as store:
            store.attrs["model_config"] = json.dumps(change(json.loads(store.attrs["model_config"])))
            store.attrs["keras_version"] = written_by or store.attrs["keras_version"]
        return
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"]))).encode()
    if written_by:
        members["metadata.json"] = json.dumps({"keras_version": written_by}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
