"""Model files of every kind, written byte by byte: no TensorFlow, and nobody else's models."""

from __future__ import annotations

import base64
import json
import marshal
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import h5py
import numpy as np
import pytest

Layer = tuple[str, dict[str, Any]]
Once = Callable[[str, Callable[[Path], None]], Path]
FORMATS = {
    "json": "json",
    "sarif": "sarif",
    "junit": "xml",
    "markdown": "md",
    "github": "log",
    "console": "txt",
}
_IMAGE: Layer = ("InputLayer", {"name": "image", "batch_input_shape": [None, 8, 8, 1]})
_FLATTEN: Layer = ("Flatten", {"name": "flatten"})


def dense(units: int, activation: str = "softmax") -> Layer:
    return "Dense", {"name": "dense", "units": units, "activation": activation}


def write_h5(
    file: Path, layers: Sequence[Layer], kernel: tuple[int, int], *, loss: str = "", fill: float = 0.1
) -> Path:
    """Write a Sequential model as Keras 2 did, with one layer `dense` that has weights."""
    stored = [{"class_name": name, "config": config} for name, config in layers]
    return write_h5_model(
        file, {"class_name": "Sequential", "config": {"name": "net", "layers": stored}}, kernel, loss, fill
    )


def write_h5_model(
    file: Path, model: dict[str, Any], kernel: tuple[int, int], loss: str = "", fill: float = 0.1
) -> Path:
    with h5py.File(file, "w") as store:
        store.attrs["keras_version"] = "2.15.0"
        store.attrs["backend"] = "tensorflow"
        store.attrs["model_config"] = json.dumps(model)
        if loss:
            store.attrs["training_config"] = json.dumps({"loss": loss, "optimizer_config": {}})
        weights = store.create_group("model_weights")
        weights.attrs["layer_names"] = [b"dense"]
        group = weights.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        values = np.random.default_rng(0).normal(size=kernel).astype(np.float32) * np.float32(fill)
        group["dense/kernel:0"] = values
        group["dense/bias:0"] = np.zeros(kernel[1], np.float32)
    return file


@pytest.fixture
def nan_model(tmp_path: Path) -> Path:
    """A whole model whose weights are no numbers."""
    return write_h5(tmp_path / "nan.h5", [_IMAGE, _FLATTEN, dense(3)], (64, 3), fill=float("nan"))


def two_inputs() -> dict[str, Any]:
    """Return the configuration of a functional model that joins two images."""
    one, other = ({**_IMAGE[1], "name": name} for name in ("one", "other"))
    joined = {"name": "joined", "axis": -1}
    layers = [
        {"class_name": "InputLayer", "name": "one", "config": one, "inbound_nodes": []},
        {"class_name": "InputLayer", "name": "other", "config": other, "inbound_nodes": []},
        {
            "class_name": "Concatenate",
            "name": "joined",
            "config": joined,
            "inbound_nodes": [[["one", 0, 0, {}], ["other", 0, 0, {}]]],
        },
        {
            "class_name": "Flatten",
            "name": "flatten",
            "config": _FLATTEN[1],
            "inbound_nodes": [[["joined", 0, 0, {}]]],
        },
        {
            "class_name": "Dense",
            "name": "dense",
            "config": dense(3)[1],
            "inbound_nodes": [[["flatten", 0, 0, {}]]],
        },
    ]
    inputs = [["one", 0, 0], ["other", 0, 0]]
    return {
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": layers,
            "input_layers": inputs,
            "output_layers": [["dense", 0, 0]],
        },
    }


def payload(marker: Path) -> CodeType:
    """Return code that leaves a marker wherever it runs."""
    return compile(f"open({str(marker)!r}, 'w').close()", "lambda", "exec")


def write_lambda(file: Path, marker: Path) -> Path:
    """Write a model whose Lambda layer would leave the marker when it is loaded or called."""
    code = base64.b64encode(marshal.dumps(payload(marker))).decode()
    layer = ("Lambda", {"name": "scale", "function_type": "lambda", "function": [code, None, None]})
    return write_h5(file, [_IMAGE, layer, _FLATTEN, dense(3)], (64, 3))


def write_unsupported(folder: Path) -> None:
    """Write models that are whole but no image classifiers, or cannot be judged; each costs a TensorFlow start."""
    sequence: Layer = ("InputLayer", {"name": "words", "batch_input_shape": [None, 20]})
    image = [_IMAGE, _FLATTEN]
    write_h5(folder / "one-number.h5", [*image, dense(1, "linear")], (64, 1))
    write_h5(folder / "regression.h5", [*image, dense(4, "linear")], (64, 4), loss="mse")
    write_h5(folder / "sequence.h5", [sequence, dense(3)], (20, 3))
    write_h5_model(folder / "two-inputs.h5", two_inputs(), (128, 3))


@dataclass(frozen=True)
class Repo:
    """A git repository, and the settings that make it nobody's."""

    top: Path
    environ: Mapping[str, str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, env=dict(self.environ), check=True, capture_output=True
        )
        return done.stdout.decode().strip()


@pytest.fixture
def repo(tmp_path: Path, environment: Callable[..., dict[str, str]]) -> Repo:
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "T"), ("EMAIL", "t@example.org"))
    }
    top = tmp_path / "repo"
    top.mkdir()
    made = Repo(top, environment(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1", **who))
    made.git("init", "-q", "-b", "main")
    made.git("commit", "-q", "--allow-empty", "-m", "first")
    return made


@pytest.fixture
def lambda_model(tmp_path: Path) -> tuple[Path, Path]:
    """A model with a Lambda layer, and the marker that its code would leave."""
    marker = tmp_path / "executed"
    return write_lambda(tmp_path / "lambda.h5", marker), marker


def write_tiny(folder: Path) -> Path:
    """Write an untrained classifier that is scanned in seconds."""
    return write_h5(folder / "tiny.h5", [_IMAGE, _FLATTEN, dense(3)], (64, 3), fill=1.0)


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


@pytest.fixture(scope="session")
def unsupported(once: Once) -> Path:
    return once("unsupported", write_unsupported)


@pytest.fixture
def cheap(tmp_path: Path, examples: Path) -> Path:
    """A folder of files that are refused before TensorFlow starts."""
    keras = (examples / "models" / "clean.keras").read_bytes()
    hdf5 = (examples / "models" / "backdoored-blended.h5").read_bytes()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    folder = tmp_path / "cheap"
    folder.mkdir()
    contents = {
        "truncated.h5": hdf5[: len(hdf5) // 2],
        "truncated.keras": keras[: len(keras) // 2],
        "empty.h5": b"",
        "pointer.h5": pointer.encode(),
        "dvc.h5.dvc": b"outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  path: dvc.h5\n",
        "text.h5": b"This is no model.\n",
        "hdf5.keras": hdf5,
        "zip.h5": keras,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "link.h5").symlink_to("truncated.h5")
    with h5py.File(folder / "weights.h5", "w") as store:
        store.attrs["layer_names"] = [b"dense"]
    with zipfile.ZipFile(folder / "no-config.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    return folder


@pytest.fixture(scope="session")
def judged(cli: Callable[..., Any], examples: Path, once: Once, short_policy: str) -> Path:
    """A folder in which a clean and a backdoored model were scanned, with a report in every format."""

    def scan(folder: Path) -> None:
        (folder / ".backdoor-gate.yaml").write_text(short_policy)
        for name in ("clean.keras", "backdoored-patch.keras"):
            shutil.copy(examples / "models" / name, folder)
        outputs = [f"--output={name}=out/report.{suffix}" for name, suffix in FORMATS.items()]
        outcome = cli("check", ".", "--jobs", "2", *outputs, cwd=folder)
        (folder / "outcome.json").write_text(json.dumps([outcome.code, outcome.out, outcome.err]))

    return once("judged", scan)
