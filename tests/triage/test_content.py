"""One network, one digest, however it was saved; another network, another digest. No TensorFlow."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.core.artifact import ModelFormat
from gate.core.content import Content
from gate.triage.architecture import canonical
from gate.triage.content import content
from gate.triage.stored import read

Layers = list[dict[str, Any]]
Weights = dict[str, list[np.ndarray]]

CONV: dict[str, Any] = {
    "module": "keras.layers",
    "class_name": "Conv2D",
    "config": {
        "name": "conv",
        "filters": 2,
        "trainable": True,
        "kernel_initializer": {"class_name": "Zeros"},
    },
    "registered_name": None,
}
INNER: dict[str, Any] = {
    "class_name": "Sequential",
    "config": {"name": "inner", "layers": [CONV, {"class_name": "Conv2D", "config": {"name": "conv_b"}}]},
}
DENSE: dict[str, Any] = {"class_name": "Dense", "config": {"name": "dense", "dtype": "float32"}}
LAYERS: Layers = [CONV, INNER, {"class_name": "ReLU", "config": {"name": "relu"}}, DENSE]


def numbers(*shape: int, start: float = 0.0) -> np.ndarray:
    return np.arange(start, start + np.prod(shape), dtype=np.float32).reshape(shape)


WEIGHTS: Weights = {
    "conv": [numbers(3, 3, 1, 2), numbers(2)],
    "inner/conv": [numbers(3, 3, 2, 2, start=5)],
    "inner/conv_b": [numbers(3, 3, 2, 2, start=7), numbers(2, start=1)],
    "dense": [numbers(8, 3), numbers(3)],
}
FOLDERS = {
    "conv": "layers/conv2d",
    "inner/conv": "layers/sequential/layers/conv2d",
    "inner/conv_b": "layers/sequential/layers/conv2d_1",
    "dense": "layers/dense",
}


def config(layers: Layers, name: str = "net") -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": layers}}


def as_h5(file: Path, layers: Layers = LAYERS, weights: Weights = WEIGHTS, **more: str) -> Content | None:
    with h5py.File(file, "w") as store:
        store.attrs["model_config"] = json.dumps(config(layers, **more))
        store.attrs["training_config"] = json.dumps({"loss": "mse"})
        tops = list(dict.fromkeys(name.partition("/")[0] for name in weights))
        group = store.create_group("model_weights")
        group.attrs["layer_names"] = tops
        for top in tops:
            inside = {name: arrays for name, arrays in weights.items() if name.partition("/")[0] == top}
            layer = group.create_group(top)
            names = [f"net/{name}/{i}" for name, arrays in inside.items() for i in range(len(arrays))]
            layer.attrs["weight_names"] = names
            for name, array in zip(names, [a for arrays in inside.values() for a in arrays], strict=True):
                layer[name] = array
    return content(file, ModelFormat.HDF5, read(file, ModelFormat.HDF5))


def as_keras(
    file: Path, layers: Layers = LAYERS, weights: Weights = WEIGHTS, folders: dict[str, str] = FOLDERS
) -> Content | None:
    held = io.BytesIO()
    with h5py.File(held, "w") as store:
        for name, arrays in weights.items():
            for number, array in enumerate(arrays):
                store[f"{folders[name]}/vars/{number}"] = array
        store["optimizer/vars/0"] = np.float32(file.stat().st_mtime if file.exists() else 1.0)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps(config(layers) | {"compile_config": {"loss": "mse"}}))
        archive.writestr("model.weights.h5", held.getvalue())
    return content(file, ModelFormat.KERAS_ZIP, read(file, ModelFormat.KERAS_ZIP))


def test_both_formats_give_one_digest(tmp_path: Path) -> None:
    one, other = as_h5(tmp_path / "a.h5"), as_keras(tmp_path / "a.keras")

    assert one is not None
    assert one == other
    assert list(WEIGHTS) == [layer.name for layer in one.layers]
    assert [20, 36, 38, 27] == [layer.weights for layer in one.layers]


def test_what_only_training_and_saving_know_does_not_count(tmp_path: Path) -> None:
    trained = copy.deepcopy(LAYERS)
    trained[0]["config"] |= {"trainable": False, "kernel_regularizer": "l2"}
    trained[0] |= {"build_config": {"input_shape": [None, 8, 8, 1]}}
    trained[3]["config"]["dtype"] = {"class_name": "DTypePolicy", "config": {"name": "float32"}}

    assert as_h5(tmp_path / "a.h5") == as_h5(tmp_path / "b.h5", trained, name="net_7")


def test_the_order_of_the_layers_in_an_hdf5_file_counts(tmp_path: Path) -> None:
    turned = dict(reversed(WEIGHTS.items()))

    assert as_h5(tmp_path / "a.h5") != as_h5(tmp_path / "b.h5", weights=turned)


def test_the_folders_of_keras_2_are_known(tmp_path: Path) -> None:
    folders = {
        name: folder.replace("layers/", "_layer_checkpoint_dependencies/") for name, folder in FOLDERS.items()
    }

    assert as_keras(tmp_path / "a.keras") == as_keras(tmp_path / "b.keras", folders=folders)


def option(layers: Layers) -> None:
    layers[0]["config"]["strides"] = 2


def renamed(layers: Layers) -> None:
    layers[2]["config"]["name"] = "relu_1"


def other_class(layers: Layers) -> None:
    layers[2]["class_name"] = "ELU"


def operation(layers: Layers) -> None:
    layers[2]["module"] = "keras.src.ops.nn"


@pytest.mark.parametrize("change", [option, renamed, other_class, operation])
def test_another_architecture_has_another_digest(tmp_path: Path, change: Callable[[Layers], None]) -> None:
    layers = copy.deepcopy(LAYERS)
    change(layers)

    one, other = as_h5(tmp_path / "a.h5"), as_h5(tmp_path / "b.h5", layers)

    assert one
    assert other
    assert one.sha256 != other.sha256
    assert one.architecture_sha256 != other.architecture_sha256
    assert one.layers == other.layers


WRITERS = st.sampled_from([(as_h5, "m.h5"), (as_keras, "m.keras")])
NAMES = st.sampled_from(list(WEIGHTS))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writer=WRITERS, name=NAMES, data=st.data())
def test_one_changed_number_changes_its_layer_alone(
    tmp_path: Path, writer: tuple[Callable[..., Content], str], name: str, data: st.DataObject
) -> None:
    save, file = writer
    weights = copy.deepcopy(WEIGHTS)
    array = data.draw(st.sampled_from(weights[name])).reshape(-1)
    array[data.draw(st.integers(0, array.size - 1))] += 0.5

    before, after = save(tmp_path / file), save(tmp_path / file, weights=weights)

    assert before.sha256 != after.sha256
    changed = [new.name for old, new in zip(before.layers, after.layers, strict=True) if old != new]
    assert [name] == changed


@pytest.mark.parametrize("save", [as_h5, as_keras])
def test_arrays_that_change_places_are_another_network(tmp_path: Path, save: Callable[..., Content]) -> None:
    swapped = WEIGHTS | {
        "conv": [WEIGHTS["conv"][0], WEIGHTS["inner/conv_b"][1]],
        "inner/conv_b": [WEIGHTS["inner/conv_b"][0], WEIGHTS["conv"][1]],
    }

    assert save(tmp_path / "a").sha256 != save(tmp_path / "b", weights=swapped).sha256


@pytest.mark.parametrize("save", [as_h5, as_keras])
def test_arrays_of_no_known_layer_count_all_the_same(tmp_path: Path, save: Callable[..., Any]) -> None:
    layers = [CONV, DENSE]

    one, other = (
        save(tmp_path / "a", layers),
        save(tmp_path / "b", layers, {**WEIGHTS, "inner/conv": [numbers(1)]}),
    )

    assert one.sha256 != other.sha256
    assert any(layer.name.startswith("//") for layer in one.layers)


def as_listed(file: Path, names: list[str], first: dict[str, Any]) -> str:
    """Return the digest of an inner network of two layers whose eight equal shapes are listed under these names."""
    inner = [
        {"class_name": "InputLayer", "config": {"name": "entry"}},
        {"class_name": "BatchNormalization", "config": {"name": "one", **first}},
        {"class_name": "BatchNormalization", "config": {"name": "two"}},
    ]
    network = config([{"class_name": "Sequential", "config": {"name": "inner", "layers": inner}}])
    with h5py.File(file, "w") as store:
        store.attrs["model_config"] = json.dumps(network)
        group = store.create_group("model_weights")
        group.attrs["layer_names"] = ["inner"]
        layer = group.create_group("inner")
        layer.attrs["weight_names"] = names
        for name in names:
            layer[name] = np.full(3, float(name[-1]), np.float32)
    found = content(file, ModelFormat.HDF5, read(file, ModelFormat.HDF5))
    assert found is not None
    return found.sha256


@pytest.mark.parametrize("folders", [("old", "older"), ("entry", "one"), ("entry", "old")])
def test_arrays_named_after_no_layer_are_known_by_their_place(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    one, other = folders
    parted = [*(f"{one}/{i}" for i in range(4)), *(f"{other}/{i}" for i in range(4, 8))]
    mixed = [*parted[:2], *parted[4:6], *parted[2:4], *parted[6:]]

    assert as_listed(tmp_path / "a", parted, {}) != as_listed(tmp_path / "b", mixed, {})


def test_arrays_named_after_no_layer_go_elsewhere_where_a_layer_is_frozen(tmp_path: Path) -> None:
    names = [f"old/{i}" for i in range(8)]

    assert as_listed(tmp_path / "a", names, {}) != as_listed(tmp_path / "b", names, {"trainable": False})


@pytest.mark.parametrize("save", [as_h5, as_keras])
def test_a_layer_may_keep_its_weights_in_parts(tmp_path: Path, save: Callable[..., Any]) -> None:
    attention = {"class_name": "MultiHeadAttention", "config": {"name": "mha"}}
    parts = {"mha/query": [numbers(3, 2)], "mha/key": [numbers(3, 2, start=1)]}
    swapped = {"mha/query": parts["mha/key"], "mha/key": parts["mha/query"]}
    folders = {name: f"layers/multi_head_attention/{name[4:]}_dense" for name in parts}
    given = {"folders": folders} if save is as_keras else {}

    one, other = (save(tmp_path / "a", [attention], weights, **given) for weights in (parts, swapped))

    assert ["mha"] == [layer.name for layer in one.layers]
    assert one.sha256 != other.sha256


def test_weights_that_cannot_be_read_have_no_digest(tmp_path: Path) -> None:
    broken = {"conv": [np.zeros(3, np.int64)]}

    assert as_h5(tmp_path / "a.h5", weights=broken) is None


def test_layers_of_keras_1_stand_in_the_config_itself(tmp_path: Path) -> None:
    file = tmp_path / "a.h5"
    as_h5(file, [CONV], {"conv": WEIGHTS["conv"]})
    with h5py.File(file, "a") as store:
        store.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [CONV]})

    found = content(file, ModelFormat.HDF5, read(file, ModelFormat.HDF5))

    assert found
    assert ["conv"] == [layer.name for layer in found.layers]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_what_is_canonical_stays_so(value: Any) -> None:
    assert canonical(value) == canonical(canonical(value))


def shared(layers: Layers) -> None:
    layers[0]["shared_object_id"] = layers[1]["config"]["layers"][1]["shared_object_id"] = 7


def numbered_alone(layers: Layers) -> None:
    layers[3]["shared_object_id"] = 7


def operation_for_activation(layers: Layers) -> None:
    layers[3]["config"]["activation"] = {
        "class_name": "function", "module": "keras.ops", "config": "gelu", "registered_name": "gelu",
    }  # fmt: skip


def activation(layers: Layers) -> None:
    layers[3]["config"]["activation"] = {
        "class_name": "function", "module": "keras.activations", "config": "gelu", "registered_name": "gelu",
    }  # fmt: skip


def name_of_activation(layers: Layers) -> None:
    layers[3]["config"]["activation"] = "gelu"


def other_place(layers: Layers) -> None:
    layers[3]["module"] = "keras.src.legacy.layers"


@pytest.mark.parametrize("changes", [(shared,), (operation_for_activation, activation), (other_place,)])
def test_what_keras_makes_of_a_description_counts(
    tmp_path: Path, changes: tuple[Callable[[Layers], None], ...]
) -> None:
    digests = set()
    for number, change in enumerate((lambda _: None, *changes)):
        layers = copy.deepcopy(LAYERS)
        change(layers)
        found = as_h5(tmp_path / f"{number}.h5", layers)
        assert found
        digests.add(found.sha256)

    assert len(changes) + 1 == len(digests)


@pytest.mark.parametrize("changes", [(numbered_alone, lambda _: None), (activation, name_of_activation)])
def test_two_ways_to_write_one_description_count_as_one(
    tmp_path: Path, changes: tuple[Callable[[Layers], None], ...]
) -> None:
    one, other = (copy.deepcopy(LAYERS) for _ in changes)
    changes[0](one)
    changes[1](other)

    assert as_h5(tmp_path / "a.h5", one) == as_h5(tmp_path / "b.h5", other)
