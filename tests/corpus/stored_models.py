"""A model file in memory, to be changed and written again."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py

from gate.core.artifact import ModelFormat

Config = dict[str, Any]
FORMATS = {".keras": ModelFormat.KERAS_ZIP, ".h5": ModelFormat.HDF5}
_WEIGHTS = "model.weights.h5"


@dataclass
class Stored:
    """What a model file holds.

    Attributes:
        suffix: ".keras" or ".h5".
        config: The architecture.
        version: Version of Keras that it names; None if none.
        weights: The HDF5 file: of the weights, or of everything.
        focus: Class of the layer that most changes are about.
    """

    suffix: str
    config: Config
    version: str | None
    weights: bytes
    focus: str = ""

    def copied(self) -> Stored:
        """Return one that can be changed without this one."""
        return replace(self, config=copy.deepcopy(self.config))

    @contextmanager
    def store(self) -> Iterator[Any]:
        """Open the weights to change them."""
        memory = io.BytesIO(self.weights)
        with h5py.File(memory, "r+") as file:
            yield file
        self.weights = memory.getvalue()

    def write(self, folder: Path) -> Path:
        """Write the file, and return its path."""
        path = folder / f"model{self.suffix}"
        if self.suffix == ".h5":
            path.write_bytes(self._hdf5())
            return path
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps(self._metadata()))
            archive.writestr("config.json", json.dumps(self.config))
            archive.writestr(_WEIGHTS, self.weights)
        return path

    def _metadata(self) -> Config:
        return {} if self.version is None else {"keras_version": self.version}

    def _hdf5(self) -> bytes:
        memory = io.BytesIO(self.weights)
        with h5py.File(memory, "r+") as file:
            file.attrs["model_config"] = json.dumps(self.config)
            if self.version is None:
                file.attrs.pop("keras_version", None)
            else:
                file.attrs["keras_version"] = self.version
        return memory.getvalue()


def read(path: Path) -> Stored:
    """Return what a file of Keras holds."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            config, version = json.loads(file.attrs["model_config"]), str(file.attrs["keras_version"])
        return Stored(".h5", config, version, path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        version = json.loads(archive.read("metadata.json"))["keras_version"]
        return Stored(".keras", json.loads(archive.read("config.json")), version, archive.read(_WEIGHTS))


def entries(config: Config) -> Iterator[Config]:
    """Yield the descriptions of all layers and inner networks, however deep they lie."""
    listed = config["config"].get("layers") if isinstance(config.get("config"), dict) else None
    for entry in listed if isinstance(listed, list) else ():
        yield entry
        yield from entries(entry)


def objects(value: Any) -> Iterator[Config]:
    """Yield everything that names a class."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)
