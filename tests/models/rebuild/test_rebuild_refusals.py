"""What the gate does not rebuild is refused by name, and what a hostile file asks for does not happen."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from gate.core.errors import IncompleteError

Config = dict[str, Any]


def plain(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(2, 3, name="conv", activation="relu")(image)
    x = layers.BatchNormalization(name="norm")(x)
    return keras.Model(image, layers.Dense(3, name="dense")(layers.Flatten(name="flat")(x)))


def entry(config: Config, name: str) -> Config:
    found: Config = next(item for item in config["config"]["layers"] if item["config"]["name"] == name)
    return found


def with_option(layer: str, key: str, value: Any) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        entry(config, layer)["config"][key] = value
        return config

    return change


def with_class(layer: str, **changes: Any) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        entry(config, layer).update(changes)
        return config

    return change


def with_keyword(key: str, value: Any) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        entry(config, "dense")["inbound_nodes"][0]["kwargs"][key] = value
        return config

    return change


def with_network(**changes: Any) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        config["config"].update(changes)
        return config

    return change


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}
SET_FLOATX = {
    "class_name": "function",
    "module": "keras.config",
    "config": "set_floatx",
    "registered_name": "function",
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("change", "rule", "said"),
    [
        (with_class("flat", class_name="Lambda", module="keras.layers"), "BD003", "'flat' (Lambda)"),
        (with_class("flat", class_name="deserialize"), "BD003", "'flat' (deserialize)"),
        (with_class("flat", class_name="Evil", module="os"), "BD003", "'flat' (Evil)"),
        (with_class("flat", class_name="TFSMLayer"), "BD003", "'flat' (TFSMLayer)"),
        (with_class("flat", module="keras.src.ops.core", class_name="VectorizedMap"), "BD003", "VectorizedMap"),
        (with_class("flat", class_name="TFOpLambda", module=None), "BD003", "operation"),
        (with_class("flat", module="keras.src.ops.nn", class_name="Relu", config={"name": "flat", "x": 1}), "BD003", "'x'"),
        (with_class("flat", class_name="TimeDistributed", config={"name": "flat", "layer": 3}), "BD001", "should hold a layer"),
        (with_class("flat", name=None, config={"data_format": None}), "BD001", "has no name"),
        (with_class("dense", name=None, config={"name": "conv", "units": 3}), "BD001", "two layers"),
        (with_class("conv", inbound_nodes=[[["image", 0, 0, {"mask": [7e300]}]]]), "BD003", "cannot be built"),
        (with_class("conv", inbound_nodes=[[["image", 0, 0, {"mask": 2**30}]]]), "BD003", "expected tensors"),
        (with_option("conv", "surprise", 3), "BD003", "'conv' (Conv2D) has the option 'surprise' = 3"),
        (with_option("norm", "renorm", True), "BD003", "'renorm' = True"),
        (with_option("dense", "lora_rank", 4), "BD003", "'lora_rank' = 4"),
        (with_option("conv", "activation", LAMBDA), "BD003", "activation"),
        (with_option("conv", "activation", SET_FLOATX), "BD003", "'set_floatx'"),
        (with_option("conv", "data_format", "channels_first"), "BD003", "channels_last"),
        (with_option("conv", "dtype", "int8"), "BD003", "'int8'"),
        (with_option("conv", "dtype", {"class_name": "QuantizedDTypePolicy", "config": {}}), "BD003", "floating"),
        (with_option("dense", "units", 10**9), "BD003", "option units"),
        (with_option("dense", "units", 16 * 32 + 1), "BD003", "512 at most"),
        (with_option("dense", "units", [3]), "BD003", "'dense' (Dense) cannot be built"),
        (with_option("dense", "units", {"a": 1}), "BD003", "option units"),
        (with_option("norm", "epsilon", float("inf")), "BD003", "option epsilon"),
        (with_option("conv", "kernel_size", [[[[3]]]]), "BD003", "option kernel_size"),
        (with_option("conv", "padding", "x" * 101), "BD003", "option padding"),
        (with_option("conv", "name", 5), "BD001", "5"),
        (with_option("image", "batch_shape", "all"), "BD003", "sizes"),
        (with_option("image", "batch_shape", [None, 0, 6, 1]), "BD003", "sizes"),
        (with_option("image", "batch_shape", None), "BD001", "no shape"),
        (with_option("image", "sparse", True), "BD003", "'sparse' = True"),
        (with_option("image", "dtype", "string"), "BD003", "'string'"),
        (with_option("dense", "units", 400), "BD001", "The architecture needs"),
        (with_option("dense", "units", 2), "BD001", "shape"),
        (with_option("dense", "use_bias", False), "BD001", "weights"),
        (with_class("conv", config=None), "BD001", "where a layer should be"),
        (with_class("conv", config=[]), "BD001", "a list for its config"),
        (with_class("conv", inbound_nodes=None), "BD001", "a list"),
        (with_class("conv", inbound_nodes=[{"args": 1}]), "BD001", "args and kwargs"),
        (with_class("conv", inbound_nodes=[[["image", 0]]]), "BD001", "[layer, call, output]"),
        (with_class("conv", inbound_nodes=[[]]), "BD001", "[layer, call, output]"),
        (with_class("conv", inbound_nodes=[[["image", 0, 0, 3]]]), "BD001", "keywords"),
        (with_class("conv", inbound_nodes=[[["dense", 0, 0, {}]]]), "BD001", "circle"),
        (with_keyword("evil", 1), "BD003", "'evil'"),
        (with_keyword("mask", {"class_name": "x", "config": {"function": "f"}}), "BD003", "kind 'x'"),
        (with_keyword("mask", {"a": 1}), "BD003", "expected tensors"),
        (with_keyword("mask", [[[[[[[[[[1]]]]]]]]]]), "BD003", "nested"),
        (with_network(layers=None), "BD001", "no list of layers"),
        (with_network(output_layers=7), "BD001", "names 7"),
        (with_network(output_layers=["dense", 5, 0]), "BD001", "call 5"),
        (with_network(output_layers=["dense", 0, 5]), "BD001", "no output 5"),
        (with_network(name=[]), "BD001", "name"),
        (lambda config: {"class_name": "Flatten", "config": {}}, "BD003", "input shape"),
        (lambda config: {"class_name": "Sequential", "config": []}, "BD001", "no list of layers"),
        (lambda config: {"class_name": "Sequential", "config": {"layers": [entry(config, "flat")]}}, "BD003", "input shape"),
    ],
)  # fmt: skip
def test_a_network_that_is_not_rebuilt(
    keras: Any, saved: Any, rebuilt: Any, change: Any, rule: str, said: str, suffix: str
) -> None:
    file = saved(plain(keras), suffix, change)

    with pytest.raises(IncompleteError) as refused:
        rebuilt(file)

    assert rule == refused.value.rule
    assert any(words in str(refused.value) for words in said.split("|")), str(refused.value)
    assert refused.value.hint
    assert "float32" == keras.config.floatx()


def test_the_memory_for_weights_comes_after_the_check(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    wide = keras.Sequential([keras.Input((16, 16, 4)), layers.Flatten(), layers.Dense(2), layers.Dense(2)])

    def widen(config: Config) -> Config:
        for layer in config["config"]["layers"][-2:]:
            layer["config"]["units"] = 16 * 1024  # 1 GiB between the two of them
        return config

    file = saved(wide, ".keras", widen)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(IncompleteError, match="The architecture needs"):
        rebuilt(file)
    rebuilt(saved(plain(keras)))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_two_layers_of_one_name(keras: Any, saved: Any, rebuilt: Any) -> None:
    def double(config: Config) -> Config:
        config["config"]["layers"].append(entry(config, "flat"))
        return config

    with pytest.raises(IncompleteError, match="two layers of the name 'flat'"):
        rebuilt(saved(plain(keras), ".keras", double))


def test_more_nesting_than_any_network_has(keras: Any, saved: Any, rebuilt: Any) -> None:
    def nest(config: Config) -> Config:
        for _ in range(20):
            config = {"class_name": "Sequential", "config": {"name": "s", "layers": [config]}}
        return config

    with pytest.raises(IncompleteError, match="levels of nesting"):
        rebuilt(saved(plain(keras), ".keras", nest))


def test_more_layers_than_any_network_has(keras: Any, saved: Any, rebuilt: Any) -> None:
    def stack(config: Config) -> Config:
        flats = [{"class_name": "Flatten", "config": {"name": f"f{index}"}} for index in range(2_001)]
        return {"class_name": "Sequential", "config": {"layers": flats}}

    with pytest.raises(IncompleteError, match="more than 2000 layers"):
        rebuilt(saved(plain(keras), ".h5", stack))


def test_an_activation_that_meant_something_else(keras: Any, saved: Any, rebuilt: Any) -> None:
    change = with_option("conv", "activation", "hard_sigmoid")
    rebuilt(saved(plain(keras), ".h5", change, "3.1.0"))

    with pytest.raises(IncompleteError, match="another slope since Keras 3"):
        rebuilt(saved(plain(keras), ".h5", change, "2.15.0"))


# --- weights


def replace_array(store: Any, path: str, **settings: Any) -> None:
    del store[path]
    store.create_dataset(path, **settings)


def external_link(store: Any, path: str) -> None:
    del store[path]
    store[path] = h5py.ExternalLink("/etc/hostname", "/x")


def soft_link(store: Any, path: str) -> None:
    del store[path]
    store[path] = h5py.SoftLink("/elsewhere")


def external_storage(store: Any, path: str) -> None:
    replace_array(store, path, shape=(3,), dtype="f4", external=[("/etc/passwd", 0, 12)])


def virtual(store: Any, path: str) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (3,))
    del store[path]
    store.create_virtual_dataset(path, layout)


def text(store: Any, path: str) -> None:
    replace_array(store, path, data=np.array([b"a", b"b", b"c"]))


def whole_numbers(store: Any, path: str) -> None:
    replace_array(store, path, data=np.arange(3))


def nothing_stored(store: Any, path: str) -> None:
    replace_array(store, path, shape=(10**12,), dtype="f4", chunks=(1000,))


def compressed_zeros(store: Any, path: str) -> None:
    replace_array(store, path, data=np.zeros(10**7, "f4"), compression="gzip")


def foreign_filter(store: Any, path: str) -> None:
    replace_array(store, path, data=np.zeros(3, "f4"), compression="lzf")


def missing(store: Any, path: str) -> None:
    del store[path]


def other_shape(store: Any, path: str) -> None:
    replace_array(store, path, data=np.zeros((3, 1), "f4"))


def not_a_number(store: Any, path: str) -> None:
    store[path][0] = np.nan


def infinite_in_single_precision(store: Any, path: str) -> None:
    replace_array(store, path, data=np.full(3, 1e300))


def an_array_in_place_of_a_group(store: Any, path: str) -> None:
    parent = path.rpartition("/")[0]
    del store[parent]
    store[parent] = np.zeros(3, "f4")


HARM = [
    (external_link, "ExternalLink"), (soft_link, "SoftLink"), (external_storage, "another file"), (virtual, "another file"),
    (text, "the type"), (whole_numbers, "whole numbers"), (nothing_stored, "declares"), (compressed_zeros, "declares"),
    (foreign_filter, "filter"), (missing, "missing|do not fit|needs"), (other_shape, "shape"), (not_a_number, "NaN"),
    (infinite_in_single_precision, "infinite"), (an_array_in_place_of_a_group, "missing|<number>"),
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(("harm", "said"), HARM)
def test_weights_that_are_not_plain_arrays_of_this_file(
    keras: Any, saved: Any, rebuilt: Any, harm: Any, said: str, suffix: str
) -> None:
    file = saved(plain(keras), suffix)
    with opened(file) as store:
        harm(store, "model_weights/dense/dense/bias" if suffix == ".h5" else "layers/dense/vars/1")

    with pytest.raises(IncompleteError) as refused:
        rebuilt(file)

    assert "BD001" == refused.value.rule
    assert any(words in str(refused.value) for words in said.split("|")), str(refused.value)


class opened:
    """The HDF5 file inside a model file, to be changed."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> Any:
        if self.file.suffix == ".h5":
            self.store = h5py.File(self.file, "r+")
            return self.store
        with zipfile.ZipFile(self.file) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.content = io.BytesIO(self.members["model.weights.h5"])
        self.store = h5py.File(self.content, "r+")
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()
        if self.file.suffix == ".h5":
            return
        self.members["model.weights.h5"] = self.content.getvalue()
        with zipfile.ZipFile(self.file, "w") as archive:
            for name, data in self.members.items():
                archive.writestr(name, data)


@pytest.mark.parametrize(
    ("suffix", "path"), [(".keras", "layers/extra/vars/0"), (".keras", "stray"), (".h5", "")]
)
def test_weights_that_no_layer_takes(keras: Any, saved: Any, rebuilt: Any, suffix: str, path: str) -> None:
    file = saved(plain(keras), suffix)
    with opened(file) as store:
        if path:
            store[path] = np.zeros(3, "f4")
        else:
            store.copy("model_weights/dense", "model_weights/extra")
            names = store["model_weights"].attrs
            names["layer_names"] = np.array([*map(str, names["layer_names"]), "extra"], "S")

    with pytest.raises(IncompleteError, match=r"does not have|<number>"):
        rebuilt(file)


def test_one_layer_listed_twice(keras: Any, saved: Any, rebuilt: Any) -> None:
    file = saved(plain(keras), ".h5")
    with opened(file) as store:
        names = store["model_weights"].attrs
        names["layer_names"] = np.array([*map(str, names["layer_names"]), "dense"], "S")

    with pytest.raises(IncompleteError, match="'dense' twice"):
        rebuilt(file)


def inner_network(keras: Any) -> Any:
    layers = keras.layers
    inner = [keras.Input((8, 8, 4)), *(layers.Conv2D(4, 1, name=name) for name in ("first", "second"))]
    norm = layers.BatchNormalization(name="norm")
    return keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            keras.Sequential([*inner, norm], name="inner"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_weights_listed_for_another_layer_of_an_inner_network(keras: Any, saved: Any, rebuilt: Any) -> None:
    """The file's names and what Keras makes of their order differ: its digest would be that of another network."""
    file = saved(inner_network(keras), ".h5")
    assert rebuilt(file).count_params()
    with opened(file) as store:
        attributes = store["model_weights/inner"].attrs
        listed = list(attributes["weight_names"])
        attributes["weight_names"] = [*listed[2:4], *listed[:2], *listed[4:]]

    with pytest.raises(IncompleteError, match=r"of the layer 'second' where 'first'") as refused:
        rebuilt(file)

    assert "BD001" == refused.value.rule


def test_weights_of_an_inner_network_may_have_names_of_before(keras: Any, saved: Any, rebuilt: Any) -> None:
    file = saved(inner_network(keras), ".h5")
    with opened(file) as store:
        group = store["model_weights/inner"]
        listed = list(group.attrs["weight_names"])
        for name in listed:
            group.move(name, f"older/{name.replace('/', '_of_')}")
        group.attrs["weight_names"] = [f"older/{name.replace('/', '_of_')}" for name in listed]

    assert rebuilt(file).count_params()


def test_long_lists_of_names_are_split(keras: Any, saved: Any, rebuilt: Any) -> None:
    file = saved(plain(keras), ".h5")
    with opened(file) as store:
        names = store["model_weights"].attrs
        listed = list(names["layer_names"])
        del names["layer_names"]
        names["layer_names0"], names["layer_names1"] = listed[:3], listed[3:]

    assert rebuilt(file).count_params()


def test_names_that_are_no_text(keras: Any, saved: Any, rebuilt: Any) -> None:
    file = saved(plain(keras), ".h5")
    with opened(file) as store:
        store["model_weights"].attrs["layer_names"] = [1, 2]

    with pytest.raises(IncompleteError, match="layer_names holds"):
        rebuilt(file)


def test_weights_that_are_no_hdf5(keras: Any, saved: Any, rebuilt: Any) -> None:
    file = saved(plain(keras))
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", b"no HDF5")

    with pytest.raises(IncompleteError, match="weights cannot be read"):
        rebuilt(file)


@pytest.mark.parametrize(
    ("compression", "said"), [(zipfile.ZIP_DEFLATED, "unpacks from"), (zipfile.ZIP_BZIP2, "unpacks|a way")]
)
def test_a_zip_bomb(keras: Any, saved: Any, rebuilt: Any, compression: int, said: str) -> None:
    file = saved(plain(keras))
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json")
    content = bytes(2**25) if compression == zipfile.ZIP_DEFLATED else b"short"
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("config.json", config, zipfile.ZIP_STORED)
        archive.writestr("model.weights.h5", content)

    with pytest.raises(IncompleteError, match=said):
        rebuilt(file)
