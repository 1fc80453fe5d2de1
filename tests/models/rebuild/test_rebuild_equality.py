"""What Keras has just saved is rebuilt into the same function."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.models.proof.comparison import difference
from gate.models.proof.description import describe
from gate.models.proof.keras_loading import load_by_keras

Build = Callable[[Any], Any]


def sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 127.5, -1.0),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.Conv2D(4, 3, kernel_regularizer="l2", activation=keras.activations.gelu),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.5),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", kernel_constraint="non_neg"),
        ]
    )


def functional(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((12, 12, 3))
    cropped = layers.CenterCrop(12, 12)(
        layers.RandomFlip()(image)
    )  # Keras writes that they are called as in training
    a = layers.SeparableConv2D(4, 3, padding="same")(cropped)
    b = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(image)
    b = layers.Conv2D(4, 1)(layers.PReLU(shared_axes=[1, 2])(b))
    x = layers.Concatenate()([layers.Add()([a, b]), layers.Multiply()([a, b])])
    x = layers.UpSampling2D(interpolation="bilinear")(layers.GroupNormalization(4)(x))
    x = layers.Conv2DTranspose(4, 3, strides=2)(layers.ZeroPadding2D(((1, 0), (0, 1)))(x))
    x = layers.Dot(axes=1)([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    return keras.Model(image, layers.Softmax()(layers.Dense(3)(x)))


def nested(keras: Any) -> Any:
    layers = keras.layers
    augment = keras.Sequential([layers.RandomFlip(), layers.RandomZoom(0.2)])
    inner_image = keras.Input((10, 10, 4))
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inner_image))
    inner = keras.Model([inner_image], [layers.ReLU(max_value=2.0)(y), layers.Activation("tanh")(y)])
    inner.layers[1].trainable = False
    head = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu"), layers.Dense(3)])
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3)(augment(image))
    first, second = inner([x])
    third, _ = inner([second])  # the same network twice
    x = layers.GlobalAveragePooling2D()(layers.Average()([first, third]))
    return keras.Model(image, [head(x)])


def shared(keras: Any) -> Any:
    layers = keras.layers
    dense = layers.Dense(6, activation="relu")
    image = keras.Input((6, 6, 1))
    x = layers.Flatten()(image)
    left, right = layers.Dense(6)(x), layers.Dense(6, name="a/b".replace("/", "-"))(x)
    x = layers.Subtract()([dense(left), dense(dense(right))])
    return keras.Model(image, layers.Dense(2, activation="softmax")(x))


def inner_network_last(keras: Any) -> Any:
    image = keras.Input((4, 4, 1))
    inner = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    outer = keras.Input((4, 4, 1))
    return keras.Model(outer, inner(keras.layers.Conv2D(1, 3, padding="same")(outer)))


def network_first(keras: Any) -> Any:
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3)])
    inner.trainable = False
    return keras.Sequential([inner, keras.layers.Flatten(), keras.layers.Dense(2)])


def attention(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Reshape((16, 12))(image)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    x = layers.MultiHeadAttention(3, 2, value_dim=5, attention_axes=[1])(query=x, value=x, key=x)
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d")(x)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def recurrent(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 6, 1))
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(layers.Reshape((8, 6))(image))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum")(x)
    x = layers.SimpleRNN(4, return_sequences=True, dropout=0.1)(x)
    x = layers.RNN(layers.LSTMCell(3), return_sequences=True)(x)
    x = layers.GRU(3, go_backwards=True)(x)
    y = layers.ConvLSTM2D(2, 3)(layers.Reshape((2, 4, 6, 1))(image))
    return keras.Model(image, layers.Dense(3)(layers.Concatenate()([x, layers.Flatten()(y)])))


def stacked_cells(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 6, 1))
    cells = [layers.GRUCell(3), layers.SimpleRNNCell(2)]
    x = layers.RNN(cells)(layers.Reshape((8, 6))(image))
    return keras.Model(image, layers.Dense(3)(x))


def inner_per_step(keras: Any) -> Any:
    layers = keras.layers
    step = keras.Sequential([keras.Input((6, 1)), layers.Conv1D(3, 3), layers.GlobalMaxPooling1D()])
    return keras.Sequential(
        [keras.Input((8, 6, 1)), layers.TimeDistributed(step), layers.Flatten(), layers.Dense(2)]
    )


def normalised(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Normalization(),
            layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]),
            layers.SpectralNormalization(layers.Conv2D(3, 3)),
            layers.UnitNormalization(),
            layers.RMSNormalization(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def operations(keras: Any) -> Any:
    ops = keras.ops
    image = keras.Input((12, 12, 3))
    x = (image[..., ::-1] - np.array([0.5, 0.4, 0.3], "float32")) / 255.0
    x = keras.layers.Conv2D(4, 3)(x)
    x = ops.mean(ops.relu(x[:, 1:]) * 0.5, axis=(1, 2), keepdims=True)
    x = ops.reshape(ops.relu6(x) + ops.sigmoid(2.0 - x), (-1, 4))
    return keras.Model(image, ops.softmax(keras.layers.Dense(3)(ops.cast(x, "float32"))))


def mobile_net(keras: Any) -> Any:
    return keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=4)


def efficient_net(keras: Any) -> Any:
    return keras.applications.EfficientNetB0(input_shape=(32, 32, 3), weights=None, classes=4)


def conv_next(keras: Any) -> Any:
    # The public ones are all large.
    return keras.src.applications.convnext.ConvNeXt(
        depths=[1, 1, 1, 1], projection_dims=[4, 4, 4, 4], input_shape=(32, 32, 3), weights=None, classes=4,
        drop_path_rate=0.1,
    )  # fmt: skip


def residual(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 7, strides=2, padding="same")(image)
    for filters in (8, 16):
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
        x = layers.ReLU()(layers.Add()([layers.Conv2D(filters, 1)(x), y]))
    return keras.Model(image, layers.Dense(4, "softmax")(layers.GlobalAveragePooling2D()(x)))


def compiled(keras: Any) -> Any:
    network = network_first(keras)
    network.layers[0].compile("adam", "mse")
    network.compile("adam", "mse", metrics=["mae"])
    network.fit(np.zeros((2, 8, 8, 1)), np.zeros((2, 2)), verbose=0)
    return network


BOTH: tuple[Build, ...] = (
    sequential, functional, nested, shared, inner_network_last, network_first, attention, recurrent, stacked_cells,
    inner_per_step, normalised, mobile_net, efficient_net, residual, compiled,
)  # fmt: skip


CASES = [*itertools.product(BOTH, (".keras", ".h5")), (operations, ".keras"), (conv_next, ".keras")]
SLOW = {
    (efficient_net, ".keras"),
    (efficient_net, ".h5"),
    (mobile_net, ".keras"),
    (mobile_net, ".h5"),
    (recurrent, ".h5"),
}


@pytest.mark.parametrize(
    ("build", "suffix"),
    # Into HDF5, Keras writes operations without module names, and cannot read them back itself.
    [pytest.param(*case, marks=[pytest.mark.slow] * (case in SLOW)) for case in CASES],
)
def test_the_rebuilt_network_answers_as_the_saved_one(
    keras: Any, saved: Any, rebuilt: Any, build: Build, suffix: str
) -> None:
    network = build(keras)
    file: Path = saved(network, suffix)

    copy = rebuilt(file)

    images = np.random.default_rng(0).uniform(0, 1, (3, *network.input_shape[1:])).astype("float32")
    (expected,), (received,) = (
        keras.tree.flatten(any_of(images, training=False)) for any_of in (network, copy)
    )
    expected, received = np.asarray(expected), np.asarray(received)
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(received, expected, atol=1e-6)
    loaded = load_by_keras(file)
    if (build, suffix) == (attention, ".h5"):
        assert loaded.refusal.startswith("TypeError")  # what Keras writes there it cannot read itself
    else:
        assert loaded.network is not None, loaded.refusal
        assert "" == difference(describe(copy), loaded.network)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_network_of_half_precision_is_rebuilt_in_its_precision(
    keras: Any, saved: Any, rebuilt: Any, suffix: str
) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3, dtype="mixed_float16")]
    )

    copy = rebuilt(saved(network, suffix))

    assert ["float32", "float16"] == [layer.compute_dtype for layer in copy.layers]


def test_rebuilding_changes_nothing_global(keras: Any, saved: Any, rebuilt: Any) -> None:
    before = (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.dtype_policy().name,
        set(sys.modules),
    )

    rebuilt(saved(residual(keras)))

    assert before[:3] == (keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy().name)
    assert not {
        name
        for name in set(sys.modules) - before[3]
        if not name.startswith(("keras", "gate", "h5py", "numpy"))
    }
