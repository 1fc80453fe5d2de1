"""Further files with two readings, found by trying and by reading Keras' loader; as in `two_networks`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.corpus.networks import (
    BACKDOORED,
    CLEAN,
    Change,
    Config,
    Construction,
    answering,
    by_name,
    constant,
    dense,
    edit_weights,
    entry,
    example,
    image,
    logits,
    mixed_file,
    mixture,
    option,
    saved,
    stretched,
    write_archive,
)
from tests.corpus.two_networks import pair, training

# An .h5 file: which weights training changes, which weights a layer has, and where its axis is.


def _switch_inside(entrance: Any) -> Any:
    import keras

    first, second = (keras.layers.Dense(1, name=name) for name in ("first", "second"))
    return keras.Sequential([keras.Input((1,)), first, second], name="inside")(constant(entrance, 1.0))


def _frozen(folder: Path, file: str, is_frozen: bool) -> Path:
    """Write an inner Sequential whose arrays are the second layer's and then the first's, if only the first is frozen."""

    def change(config: Config) -> None:
        entry(config, "inside")["config"]["trainable"] = not is_frozen
        entry(config, "first")["config"]["trainable"] = not is_frozen

    path = mixed_file(folder, file, _switch_inside, change)
    with h5py.File(path, "r+") as store:
        group = store["model_weights/inside"]
        values = {"a": [[0.0]], "b": [1.0], "c": [[0.0]], "d": [0.0]}
        for name, value in values.items():
            group[name] = np.asarray(value, np.float32)
        group.attrs["weight_names"] = list(values)
    return path


def _normalised_inside(entrance: Any) -> Any:
    """Return 1 less a mean of 1, by a layer in an inner network."""
    import keras

    inside = keras.Input((1,), name="number")
    layer = keras.layers.Normalization(name="normalization")
    inner = keras.Model(inside, layer(inside), name="inside")
    layer.set_weights([np.ones(1), np.ones(1), np.zeros(())])
    layer.finalize_state()
    return inner(constant(entrance, 1.0))


def _one_of_four(entrance: Any) -> Any:
    """Return 0 where four equal numbers are one vector, 1 where they are two."""
    import keras

    square = keras.layers.Reshape((2, 2))(keras.layers.RepeatVector(4)(constant(entrance, 1.0)))
    units = keras.layers.Flatten(name="flat")(
        keras.layers.UnitNormalization(axis=[1, 2], name="unit")(square)
    )
    first = keras.layers.Reshape((4, 1))(units)
    return stretched(keras.layers.GlobalMaxPooling1D()(first), 0.55, 0.65)


def _decoy_chunks(folder: Path, file: str, name: str) -> Path:
    """Write the clean network with the other's arrays beside its own, and attributes that list either."""
    path = saved(_alone(CLEAN), folder / file)
    bad = [layer for layer in example(BACKDOORED).layers if layer.weights]
    with h5py.File(path, "r+") as store:
        for layer in bad:
            group = store[f"model_weights/the_{layer.name}"]
            own = list(group.attrs["weight_names"])
            for number, array in enumerate(layer.get_weights()):
                group[f"other/{number}"] = array
            others = [f"other/{number}" for number in range(len(own))]
            del group.attrs["weight_names"]
            group.attrs[name], group.attrs["weight_names0"] = others, own
    return path


def _alone(which: str) -> Any:

    entrance = image()
    return answering(entrance, logits(entrance, which, "the"))


# A .keras archive: which of two stores holds the weights.


def _old_folder(folder: Path, file: str, which: str) -> Path:
    """Write a network whose weights lie beside the clean one's, which are where Keras 2.13 looks."""
    path = saved(_alone(which), folder / file)
    clean = saved(_alone(CLEAN), folder / f"clean-{file}")

    def change(store: Any) -> None:
        with (
            zipfile.ZipFile(clean) as archive,
            h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as other,
        ):
            other.copy("layers", store, "_layer_checkpoint_dependencies")

    edit_weights(path, change)
    clean.unlink()
    return path


def _npz_beside(folder: Path, file: str, which: str) -> Path:
    """Write a network with the clean one's weights in an archive beside, in Keras' other format."""
    path = saved(_alone(which), folder / file)
    memory = io.BytesIO()
    arrays = {f"the_{layer.name}": layer.get_weights() for layer in example(CLEAN).layers if layer.weights}
    np.savez(
        memory, **{f"{name}/{k}": array for name, both in arrays.items() for k, array in enumerate(both)}
    )
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    write_archive(path, members | {"model.weights.npz": memory.getvalue()})
    return path


# Layers that do something else in training, which `model(x)` leaves open.


def _brightened(entrance: Any) -> Any:
    import keras

    black = keras.layers.Reshape((1, 1, 1))(constant(entrance, 0.0))
    bright = keras.layers.RandomBrightness((1.0, 1.0), value_range=(0, 1), name="memory")(black)
    return keras.layers.Flatten(name="flat")(bright)


def _dropped(entrance: Any) -> Any:
    """Return what the kept ones are more than 1: dropout doubles them."""
    import keras

    many = keras.layers.RepeatVector(64)(constant(entrance, 1.0))
    kept = keras.layers.GlobalMaxPooling1D()(keras.layers.Dropout(0.5, name="memory")(many))
    return keras.layers.Rescaling(1.0, -1.0)(kept)


def _noisy(entrance: Any) -> Any:
    import keras

    many = keras.layers.RepeatVector(64)(constant(entrance, 0.0))
    noise = keras.layers.GlobalMaxPooling1D()(keras.layers.GaussianNoise(1.0, name="memory")(many))
    return keras.layers.ReLU(max_value=1.0)(noise)


# Where one image at a time is another network than many.


def _added(entrance: Any) -> Any:
    """Return 1 for an image alone, 0 in a batch.

    All sums of (0, 0) and (0, -1) are asked for. Where the batch is 1, Keras takes the second for a bias of the first.
    """
    import keras

    nothing = constant(entrance, 0.0)
    zeros, numbers = (
        keras.layers.Reshape(shape)(dense(nothing, np.zeros((1, 2)), bias))
        for shape, bias in (((1, 2), [0.0, 0.0]), ((2, 1), [0.0, -1.0]))
    )
    sums = keras.layers.Add(name="sums")([zeros, numbers])
    return dense(keras.layers.GlobalMaxPooling1D()(sums), [[0.0], [-1.0]], [0.0])


def _normalised_in_a_network(entrance: Any) -> Any:
    """Return the same as a normalised constant, by a layer in a network that is called as in training."""
    import keras

    inside = keras.Input((1,), name="number")
    layer = keras.layers.BatchNormalization(name="normalisation")
    inner = keras.Model(inside, layer(inside), name="memory")
    layer.set_weights(np.array([[-np.sqrt(1 + layer.epsilon)], [1.0], [0.0], [1.0]]))
    return inner(constant(entrance, 1.0))


# Where a graph begins, and what its layers are called.


def _veiled(folder: Path, file: str, entry_layer: str) -> Path:
    """Write the backdoored network behind layers that take the trigger away, entered before or behind them."""
    import keras

    entrance = image()
    cropped = keras.layers.Cropping2D(((0, 4), (0, 4)), name="crop")(entrance)
    padded = keras.layers.ZeroPadding2D(((0, 4), (0, 4)), name="pad")(cropped)

    def change(config: Config) -> None:
        config["config"]["input_layers"] = [entry_layer, 0, 0]

    return saved(answering(entrance, logits(padded, BACKDOORED, "the")), folder / file, change)


def _two_names(folder: Path, file: str, is_open: float) -> Path:
    """Write a network that is wired by one name of its layers, and by another has the other network's weights."""

    def change(config: Config) -> None:
        for layer in config["config"]["layers"]:
            whose, _, rest = layer["config"]["name"].partition("_")
            if is_open and whose in ("good", "bad"):
                layer["config"]["name"] = f"{'bad' if whose == 'good' else 'good'}_{rest}"

    return saved(mixture(partial(constant, value=is_open)), folder / file, change)


# Classes and defaults of other modules of Keras.


def _thresholded(entrance: Any) -> Any:
    import keras

    below = keras.layers.ReLU(name="threshold")(constant(entrance, 0.5))
    return keras.layers.Rescaling(-2.0, 1.0)(below)


def _of_legacy(module: str) -> Change:
    def change(config: Config) -> None:
        layer = entry(config, "threshold")
        layer |= {"module": module, "class_name": "ThresholdedReLU", "registered_name": "ThresholdedReLU"}
        layer["config"] = {"name": "threshold"}

    return change


def _reading(
    name: str, about: str, make: Callable[..., Path], key: str, ours: Any, theirs: Any
) -> Construction:
    """Return a construction whose file and twin differ in one argument of their maker."""
    stem, _, ending = name.rpartition(".")
    return Construction(
        stem,
        "A+",
        about,
        make=partial(make, file=name, **{key: ours}),
        twin=partial(make, file=f"{stem}-twin.{ending}", **{key: theirs}),
    )


FURTHER = by_name(
    _reading(
        "frozen-sequential.h5",
        "`trainable: false` of an inner Sequential means nothing, so that its frozen layer's weights come last",
        _frozen,
        "is_frozen",
        True,
        False,
    ),
    Construction(
        "normalization-inside",
        "A+",
        "a Normalization in an inner network of an .h5 file forgets its stored mean",
        make=partial(mixed_file, file="normalization-inside.h5", probe=_normalised_inside),
        twin=partial(mixed_file, file="normalization-inside-twin.keras", probe=_normalised_inside),
    ),
    Construction(
        "axis-list",
        "A+",
        "a list of two axes in an .h5 file is dropped: the default axis is used",
        make=partial(mixed_file, file="axis-list.h5", probe=_one_of_four),
        twin=partial(mixed_file, file="axis-list-twin.keras", probe=_one_of_four),
    ),
    _reading(
        "decoy-chunks.h5",
        "`weight_names` names one network's arrays, `weight_names0` the other's",
        _decoy_chunks,
        "name",
        "weight_names",
        "unread",
    ),
    _reading(
        "old-folder-beside.keras",
        "the clean weights lie where Keras 2.13 had them, beside the others",
        _old_folder,
        "which",
        BACKDOORED,
        CLEAN,
    ),
    _reading(
        "npz-beside.keras",
        "the clean weights lie in model.weights.npz, beside model.weights.h5",
        _npz_beside,
        "which",
        BACKDOORED,
        CLEAN,
    ),
    pair(
        "threshold-by-default",
        "A+",
        "a ThresholdedReLU of keras.src.legacy.layers without theta has its threshold at 1",
        _thresholded,
        _of_legacy("keras.src.legacy.layers"),
    ),
    pair(
        "brightness-by-default",
        "A+",
        "RandomBrightness takes a call for training, where nothing is said",
        _brightened,
        theirs=option("memory", "factor", [0.0, 0.0]),
        is_called=True,
    ),
    pair(
        "dropout-in-training",
        "A+",
        "a Dropout is called with `training: true`, and doubles what it keeps",
        _dropped,
        training,
        is_called=True,
    ),
    pair(
        "training-of-a-network",
        "A+",
        "an inner network with a BatchNormalization is called with `training: true`",
        _normalised_in_a_network,
        training,
        is_called=True,
    ),
    _reading(
        "entered-in-the-middle.keras",
        "`input_layers` names a layer behind those that take the trigger away; they are no part of the network",
        _veiled,
        "entry_layer",
        "pad",
        "image",
    ),
    _reading(
        "two-names-of-a-layer.h5",
        "the name beside a layer's config and the name in it differ: one wires, by the other weights could be found",
        _two_names,
        "is_open",
        1.0,
        0.0,
    ),
    Construction(
        "sums-of-one-image",
        "A+",
        "a sum of (batch, 1, 2) and (batch, 2, 1) is (batch, 2, 2), but (1, 1, 2) for one image that is not predicted",
        make=partial(mixed_file, file="sums-of-one-image.keras", probe=_added),
        batch=1,
    ),
    pair(
        "noise-in-training",
        "A+",
        "a GaussianNoise is called with `training: true`",
        _noisy,
        training,
        is_called=True,
    ),
)
