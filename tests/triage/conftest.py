from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

WriteZip = Callable[..., Path]
WriteHdf5 = Callable[..., Path]


@pytest.fixture
def keras_zip(tmp_path: Path) -> WriteZip:
    """Write a .keras archive by hand: its config and metadata, and whether there are weights."""

    def write(
        config: object,
        *,
        metadata: object = None,
        weights: bool = True,
        compression: int = zipfile.ZIP_STORED,
    ) -> Path:
        file = tmp_path / "model.keras"
        with zipfile.ZipFile(file, "w", compression) as archive:
            archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
            archive.writestr("metadata.json", json.dumps(metadata or {"keras_version": "3.15.1"}))
            if weights:
                archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
        return file

    return write


@pytest.fixture
def hdf5(tmp_path: Path) -> WriteHdf5:
    """Write an HDF5 file with these attributes and empty groups."""
    import h5py

    def write(attributes: Mapping[str, Any], groups: tuple[str, ...] = ()) -> Path:
        file = tmp_path / "model.h5"
        with h5py.File(file, "w") as store:
            for name in groups:
                store.create_group(name)
            for name, value in attributes.items():
                store.attrs[name] = json.dumps(value) if isinstance(value, (dict, list)) else value
        return file

    return write
