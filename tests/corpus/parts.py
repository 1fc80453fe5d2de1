"""The pieces that hostile files are made of: a small honest network in both formats, and code that leaves a marker."""

from __future__ import annotations

import base64
import io
import json
import marshal
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Node = dict[str, Any]
Alter = Callable[[Any], None]
KERNEL = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
METADATA = {"keras_version": "3.15.1", "date_saved": "2026-11-21@12:00:00"}


@dataclass(frozen=True)
class Case:
    """A file and how its scan must end.

    Attributes:
        rule: Rule of the finding (BD2xx, exit 1) or of the gap (BD0xx, exit 3).
        make: Makes its content; takes the path of the marker that its code would leave.
        reaches_rebuild: Whether only the rebuild can tell, which costs a start of TensorFlow.
        is_endless: Whether HDF5 runs in circles on it, so that only a child that can be ended may open it.
    """

    rule: str
    make: Callable[[Path], bytes]
    reaches_rebuild: bool = False
    is_endless: bool = False

    @property
    def code(self) -> int:
        return 1 if self.rule.startswith("BD2") else 3


def layer(class_name: str, module: str | None = "keras.layers", /, **config: Any) -> Node:
    node: Node = {"class_name": class_name, "config": {"name": class_name.lower(), **config}}
    return node | ({} if module is None else {"module": module, "registered_name": None})


def image() -> Node:
    return layer("InputLayer", batch_shape=[None, 8, 8, 1], dtype="float32")


def dense(**changes: Any) -> Node:
    return layer("Dense", **({"units": 3, "activation": "softmax"} | changes))


def sequential(*layers: Any, **more: Any) -> Node:
    config = {"name": "net", "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None} | more


def honest(*more: Any, head: Node | None = None, **keys: Any) -> Node:
    """The honest network, with layers put in after its input, another head, or other keys beside its config."""
    return sequential(image(), *more, layer("Flatten"), head or dense(), **keys)


def h5(
    config: Any = None,
    *,
    training: Any = None,
    alter: Alter | None = None,
    kernel: Any = KERNEL,
    **attributes: Any,
) -> bytes:
    """An .h5 file; `alter` gets the open file."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as store:
        model = honest() if config is None else config
        values = {
            "keras_version": "3.15.1",
            "backend": "tensorflow",
            "model_config": model if isinstance(model, str) else json.dumps(model),
        } | attributes
        if training is not None:
            values["training_config"] = training if isinstance(training, str) else json.dumps(training)
        for name, value in values.items():
            store.attrs[name] = value
        weights = store.create_group("model_weights")
        weights.attrs["layer_names"] = [b"dense"]
        group = weights.create_group("dense")
        group.attrs["weight_names"] = [b"kernel", b"bias"]
        group["kernel"] = kernel
        group["bias"] = np.zeros(kernel.shape[1], np.float32)
        if alter:
            alter(store)
    return memory.getvalue()


def weights(alter: Alter | None = None, kernel: Any = KERNEL) -> bytes:
    """The `model.weights.h5` of an archive."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as store:
        group = store.create_group("layers/dense/vars")
        group["0"], group["1"] = kernel, np.zeros(kernel.shape[1], np.float32)
        if alter:
            alter(store)
    return memory.getvalue()


def keras(
    config: Any = None,
    *,
    alter: Alter | None = None,
    kernel: Any = KERNEL,
    members: Mapping[str, bytes] | None = None,
    then: Callable[[zipfile.ZipFile], None] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A .keras archive; `alter` gets its open weights, `then` the archive before it is closed."""
    memory = io.BytesIO()
    model = honest() if config is None else config
    contents = {
        "metadata.json": json.dumps(METADATA).encode(),
        "config.json": (model if isinstance(model, str) else json.dumps(model)).encode(),
        "model.weights.h5": weights(alter, kernel),
    } | dict(members or {})
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        if then:
            then(archive)
    return memory.getvalue()


def code(marker: Path) -> str:
    """Bytecode in base64, as Keras stores it, that leaves the marker where it runs."""
    compiled = compile(f"open({str(marker)!r}, 'w').close()", "lambda", "exec")
    return base64.b64encode(marshal.dumps(compiled)).decode()


def raw_code(marker: Path) -> str:
    """The same as the characters of Keras 1."""
    return base64.b64decode(code(marker)).decode("latin-1")


def pickled(marker: Path) -> str:
    """A pickle in base64 that would leave the marker."""
    call = f"cbuiltins\nexec\n(Vopen({str(marker)!r}, 'w').close()\ntR."
    return base64.b64encode(b"\x80\x02" + call.encode()).decode()


def lambda_layer(marker: Path, name: str = "magic") -> Node:
    stored = {"class_name": "__lambda__", "config": {"code": code(marker), "defaults": None, "closure": None}}
    return layer("Lambda", name=name, function=stored)


def dunder(marker: Path) -> Node:
    return {"class_name": "__lambda__", "config": {"value": [code(marker), None, None]}}


def function(module: str, name: str) -> Node:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}
