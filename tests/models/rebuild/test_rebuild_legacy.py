"""What Keras 1 and 2 wrote is rebuilt as well, quirks included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError

Config = dict[str, Any]


def answers_alike(keras: Any, network: Any, copy: Any) -> bool:
    shape = keras.tree.flatten(network.inputs)[0].shape[1:]
    images = np.random.default_rng(0).uniform(0, 1, (3, *shape)).astype("float32")
    return bool(np.allclose(np.asarray(network(images)), np.asarray(copy(images)), atol=1e-6))


def layer(kind: str, name: str, **options: Any) -> Config:
    return {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32", **options}}


def called(entry: Config, *inputs: Any) -> Config:
    return {**entry, "name": entry["config"]["name"], "inbound_nodes": list(inputs)}


IMAGE = {"batch_input_shape": [None, 8, 8, 4], "dtype": "float32"}
INPUT: Config = {
    **layer("InputLayer", "image", **IMAGE, sparse=False, ragged=False),
    "name": "image",
    "inbound_nodes": [],
}


def test_a_sequential_network_whose_config_is_a_list(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Conv2D(3, 3, name="c"), layers.Flatten(), layers.Dense(2, name="d")]
    )
    config = [
        layer("Conv2D", "c", filters=3, kernel_size=[3, 3], data_format="channels_last", **IMAGE),
        layer("Flatten", "f"),
        layer(
            "Dense",
            "d",
            units=2,
            activation="linear",
            kernel_initializer={"class_name": "VarianceScaling", "config": {}},
        ),
    ]

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Sequential", "config": config}, "2.1.5"))

    assert answers_alike(keras, network, copy)


def test_a_network_of_keras_1(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Conv2D(3, (3, 2), padding="same", name="c"), layers.BatchNormalization(name="b"),
         layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2, "softmax", name="d")]
    )  # fmt: skip
    config = [
        layer("Convolution2D", "c", nb_filter=3, nb_row=3, nb_col=2, border_mode="same", dim_ordering="tf", bias=True,
              init="glorot_uniform", subsample=[1, 1], W_regularizer=None, b_constraint=None, **IMAGE),
        layer("BatchNormalization", "b", mode=0, axis=-1, epsilon=1e-3, momentum=0.99, gamma_regularizer=None),
        layer("MaxPooling2D", "m", pool_size=[2, 2], strides=[2, 2], border_mode="valid", dim_ordering="tf"),
        layer("Dropout", "o", p=0.5),
        layer("Flatten", "f"),
        layer("Dense", "d", output_dim=2, input_dim=None, activation="softmax", bias=True, init="normal"),
    ]  # fmt: skip

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Sequential", "config": config}, "1.2.2"))

    assert answers_alike(keras, network, copy)


def branches(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 4), name="image")
    x = layers.DepthwiseConv2D(3, padding="same", name="depth")(image)
    x = layers.BatchNormalization(name="norm")(x)
    y = layers.Conv2DTranspose(4, 3, padding="same", name="up")(image)
    x = layers.LeakyReLU(0.2)(layers.Add()([x, y]))
    x = layers.LSTM(3, name="lstm")(layers.TimeDistributed(layers.Flatten())(x))
    return keras.Model(image, layers.Dense(2, "softmax", name="dense")(x))


def branches_of_keras_2(_: Config) -> Config:
    convolution = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last",
                   "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": True}  # fmt: skip
    entries = [
        INPUT,
        called(layer("DepthwiseConv2D", "depth", **convolution, depth_multiplier=1, depthwise_regularizer=None,
                     kernel_initializer={"class_name": "GlorotUniform", "config": {"seed": None}}), [["image", 0, 0, {}]]),
        called(layer("BatchNormalization", "norm", axis=[3], momentum=0.99, epsilon=1e-3, center=True, scale=True), [["depth", 0, 0, {}]]),
        called(layer("Conv2DTranspose", "up", filters=4, output_padding=None, **convolution), [["image", 0, 0, {}]]),
        called(layer("Add", "add"), [["norm", 0, 0, {}], ["up", 0, 0, {}]]),
        called(layer("LeakyReLU", "leaky", alpha=0.2), [["add", 0, 0, {}]]),
        called(layer("TimeDistributed", "rows", layer=layer("Flatten", "f", data_format="channels_last")), [["leaky", 0, 0, {}]]),
        called(layer("LSTM", "lstm", units=3, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                     time_major=False, implementation=2, unroll=False, stateful=False), [["rows", 0, 0, {}]]),
        called(layer("Dense", "dense", units=2, activation="softmax_v2"), [["lstm", 0, 0, {}]]),
    ]  # fmt: skip
    graph = {
        "name": "m",
        "layers": entries,
        "input_layers": [["image", 0, 0]],
        "output_layers": [["dense", 0, 0]],
    }
    return {"class_name": "Functional", "config": graph}


def test_a_functional_network_of_keras_2(keras: Any, saved: Any, rebuilt: Any) -> None:
    network = branches(keras)

    copy = rebuilt(saved(network, ".h5", branches_of_keras_2, "2.11.0"))

    assert answers_alike(keras, network, copy)


def test_an_archive_of_keras_2_written_on_windows(
    keras: Any, saved: Any, rebuilt: Any, tmp_path: Path
) -> None:
    network = branches(keras)
    file = saved(network, ".keras", branches_of_keras_2, "2.15.0")
    _rewrite_weights(file, lambda path: path.replace("layers/", "layers\\"))

    copy = rebuilt(file)

    assert answers_alike(keras, network, copy)


def _rewrite_weights(file: Path, rename: Callable[[str], str]) -> None:
    import io
    import zipfile

    import h5py

    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = io.BytesIO()
    with h5py.File(io.BytesIO(members["model.weights.h5"])) as old, h5py.File(content, "w") as new:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                new[rename(name)] = item[()]

        old.visititems(copy)
    members["model.weights.h5"] = content.getvalue()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("first_call", [0, 1])  # Keras 2 counted both ways
def test_an_inner_network_that_is_called_twice(keras: Any, saved: Any, rebuilt: Any, first_call: int) -> None:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 3, padding="same")], name="inner")
    image = keras.Input((8, 8, 4), name="image")
    x = layers.Subtract()([inner(image), inner(inner(image))])
    network = keras.Model(image, layers.Dense(2, name="dense")(layers.Flatten()(x)))
    convolution = layer("Conv2D", "c", filters=4, kernel_size=[3, 3], padding="same", **IMAGE)
    entries = [
        INPUT,
        called({"class_name": "Sequential", "config": {"name": "inner", "layers": [convolution]}} ,
               [["image", 0, 0, {}]], [["image", 0, 0, {}]], [["inner", first_call + 1, 0, {}]]),
        called(layer("Subtract", "s"), [["inner", first_call, 0, {}], ["inner", first_call + 2, 0, {}]]),
        called(layer("Flatten", "f"), [["s", 0, 0, {}]]),
        called(layer("Dense", "dense", units=2), [["f", 0, 0, {}]]),
    ]  # fmt: skip
    graph = {
        "name": "m",
        "layers": entries,
        "input_layers": [["image", 0, 0]],
        "output_layers": [["dense", 0, 0]],
    }

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Model", "config": graph}, "2.4.0"))

    assert answers_alike(keras, network, copy)


def test_operations_of_tensorflow(keras: Any, saved: Any, rebuilt: Any) -> None:
    ops = keras.ops
    image = keras.Input((8, 8, 4), name="image")
    x = (1.0 - image / 2.0) * np.array([1.0, 2.0, 3.0, 4.0], "float32")
    x = ops.relu6(keras.layers.Conv2D(4, 3, name="conv")(x) + 3.0)
    network = keras.Model(image, ops.softmax(ops.mean(ops.reshape(x, (-1, 36, 4)), axis=1)))
    operation = "TFOpLambda"
    entries = [
        INPUT,
        called(layer(operation, "cast", function="cast"), ["image", 0, 0, {"dtype": "float32"}]),
        called(layer(operation, "div", function="math.truediv"), ["cast", 0, 0, {"y": 2.0, "name": None}]),
        called(
            layer(operation, "sub", function="math.subtract"),
            ["_CONSTANT_VALUE", -1, 1.0, {"y": ["div", 0, 0], "name": None}],
        ),
        called(
            layer(operation, "mul", function="math.multiply"),
            ["sub", 0, 0, {"y": [1.0, 2.0, 3.0, 4.0], "name": None}],
        ),
        called(layer("Conv2D", "conv", filters=4, kernel_size=[3, 3]), [["mul", 0, 0, {}]]),
        called(
            layer(operation, "multiply_1", function="__operators__.add"),
            ["conv", 0, 0, {"y": 3.0, "name": None}],
        ),
        called(layer(operation, "relu", function="nn.relu6"), ["multiply_1", 0, 0, {"name": None}]),
        called(
            layer(operation, "rows", function="reshape"), ["relu", 0, 0, {"shape": [-1, 36, 4], "name": None}]
        ),
        called(
            layer(operation, "mean", function="math.reduce_mean"),
            ["rows", 0, 0, {"axis": 1, "keepdims": False}],
        ),
        called(layer(operation, "soft", function="nn.softmax"), ["mean", 0, 0, {"axis": -1}]),
    ]
    graph = {
        "name": "m",
        "layers": entries,
        "input_layers": [["image", 0, 0]],
        "output_layers": [["soft", 0, 0]],
    }

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Functional", "config": graph}, "2.9.0"))

    assert answers_alike(keras, network, copy)


@pytest.mark.parametrize(
    ("function", "keywords", "said"),
    [
        ("raw_ops.ReadFile", {}, "tf.raw_ops.ReadFile"),
        ("nn.relu", {"evil": 1}, "'evil'"),
        ("cast", {"dtype": "string"}, "'string'"),
    ],
)
def test_operations_that_the_gate_does_not_know(
    keras: Any, saved: Any, rebuilt: Any, function: str, keywords: Config, said: str
) -> None:
    image = keras.Input((8, 8, 4))
    network = keras.Model(image, keras.layers.Flatten()(image))
    entries = [INPUT, called(layer("TFOpLambda", "op", function=function), ["image", 0, 0, keywords])]
    graph = {
        "name": "m",
        "layers": entries,
        "input_layers": [["image", 0, 0]],
        "output_layers": [["op", 0, 0]],
    }
    file = saved(network, ".h5", lambda _: {"class_name": "Functional", "config": graph}, "2.9.0")

    with pytest.raises(IncompleteError, match=said) as refused:
        rebuilt(file)

    assert "BD003" == refused.value.rule


def test_attention_of_keras_2(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    image = keras.Input((8, 8, 4), name="image")
    x = layers.Reshape((16, 16))(image)
    x = layers.MultiHeadAttention(2, 3, name="attention")(x, x, x)
    network = keras.Model(image, layers.Dense(2, name="dense")(layers.GlobalAveragePooling1D()(x)))
    entries = [
        INPUT,
        called(layer("Reshape", "rows", target_shape=[16, 16]), [["image", 0, 0, {}]]),
        called(layer("MultiHeadAttention", "attention", num_heads=2, key_dim=3, value_dim=3, dropout=0.0, use_bias=True,
                     output_shape=None, attention_axes=[1], query_shape=[None, 16, 16], key_shape=[None, 16, 16],
                     value_shape=[None, 16, 16], softmax_robust_masking=True),
               [["rows", 0, 0, {"value": ["rows", 0, 0], "key": ["rows", 0, 0]}]]),
        called(layer("GlobalAveragePooling1D", "pool", data_format="channels_last"), [["attention", 0, 0, {}]]),
        called(layer("Dense", "dense", units=2), [["pool", 0, 0, {}]]),
    ]  # fmt: skip
    graph = {
        "name": "m",
        "layers": entries,
        "input_layers": [["image", 0, 0]],
        "output_layers": [["dense", 0, 0]],
    }

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Functional", "config": graph}, "2.15.0"))

    assert answers_alike(keras, network, copy)


def test_a_gru_from_before_it_had_two_kinds(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.Reshape((8, 32)),
            layers.GRU(3, reset_after=False, name="gru"),
            layers.Dense(2, name="d"),
        ]
    )
    config = [
        layer("Reshape", "r", target_shape=[8, 32], **IMAGE),
        layer("GRU", "gru", units=3, activation="tanh", recurrent_activation="sigmoid", implementation=1),
        layer("Dense", "d", units=2),
    ]

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Sequential", "config": config}, "2.1.0"))

    assert answers_alike(keras, network, copy)


def test_names_with_slashes(keras: Any, saved: Any, rebuilt: Any, tmp_path: Path) -> None:
    import h5py

    network = keras.Sequential(
        [keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(2, name="dense")]
    )
    config = [layer("Flatten", "conv1/flat", **IMAGE), layer("Dense", "conv1/dense one", units=2)]
    file = saved(network, ".h5", lambda _: {"class_name": "Sequential", "config": config}, "2.3.1")
    with h5py.File(file, "r+") as store:
        weights = store["model_weights"]
        weights.move("dense", "conv1/dense one")
        weights.attrs["layer_names"] = ["conv1/flat", "conv1/dense one"]
        weights.create_group("conv1/flat").attrs["weight_names"] = []

    copy = rebuilt(file)

    assert answers_alike(keras, network, copy)


def test_the_threshold_of_keras_2(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.ReLU(threshold=0.5), layers.Flatten(), layers.Dense(2, name="d")]
    )
    config = [
        layer("ThresholdedReLU", "t", theta=0.5, **IMAGE),
        layer("Flatten", "f"),
        layer("Dense", "d", units=2),
    ]

    copy = rebuilt(saved(network, ".h5", lambda _: {"class_name": "Sequential", "config": config}, "2.6.0"))

    assert answers_alike(keras, network, copy)
