from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.core.content import Content
from gate.core.training_loss import TrainingLoss
from gate.triage.checks import check
from gate.triage.content import content
from gate.triage.stored import read

FORMATS = {".keras": ModelFormat.KERAS_ZIP, ".h5": ModelFormat.HDF5}


def sequential(keras: Any) -> Any:
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 127.5, -1.0),
            layers.RandomFlip("horizontal"),
            layers.Conv2D(4, 3, kernel_regularizer="l2", activation=keras.activations.gelu),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.compile("adam", keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    return network


def functional(keras: Any) -> Any:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((10, 10, 4)), layers.Conv2D(4, 3, padding="same")])
    inner.compile("adam", "mse")
    image = keras.Input((12, 12, 3))
    x = layers.SeparableConv2D(4, 3)(image)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, inner(x)]))
    network = keras.Model(image, layers.Softmax()(layers.Dense(3)(x)))
    network.compile(loss=keras.losses.SparseCategoricalCrossentropy())
    return network


def operations(keras: Any) -> Any:
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(4, 3)(image / 255.0)
    x = keras.ops.mean(keras.ops.relu(x[:, 1:]) * 0.5, axis=(1, 2))
    return keras.Model(image, keras.ops.softmax(keras.layers.Dense(3)(x)))


def mobile_net(keras: Any) -> Any:
    return keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=4)


def conv_next(keras: Any) -> Any:
    # The public ones are all large.
    return keras.src.applications.convnext.ConvNeXt(
        depths=[1, 1, 1, 1], projection_dims=[4, 4, 4, 4], input_shape=(32, 32, 3), weights=None, classes=4
    )


@pytest.mark.parametrize(
    ("build", "suffix"),
    [
        *itertools.product([sequential, functional, mobile_net], FORMATS),
        # Into HDF5, Keras writes these networks without module names, and cannot read them back itself.
        (operations, ".keras"),
        (conv_next, ".keras"),
    ],
)
def test_an_honest_network_gives_no_finding(
    keras: Any, tmp_path: Path, build: Callable[[Any], Any], suffix: str
) -> None:
    file = tmp_path / f"model{suffix}"
    build(keras).save(file)

    stored = read(file, FORMATS[suffix])

    assert () == check(stored)
    assert keras.__version__ == stored.keras_version


def digest(file: Path) -> Content | None:
    kind = FORMATS[file.suffix]
    return content(file, kind, read(file, kind))


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
@pytest.mark.parametrize("build", [sequential, functional, pytest.param(mobile_net, marks=pytest.mark.slow)])
def test_a_network_saved_again_has_the_same_digest(
    keras: Any, tmp_path: Path, build: Callable[[Any], Any]
) -> None:
    network = build(keras)
    network.save(tmp_path / "first.keras")
    keras.models.load_model(tmp_path / "first.keras").save(tmp_path / "again.keras")
    network.save(tmp_path / "other.h5")

    first = digest(tmp_path / "first.keras")

    assert first
    assert sum(layer.weights for layer in first.layers) == network.count_params()
    assert not [layer.name for layer in first.layers if layer.name.startswith("//")]
    assert first == digest(tmp_path / "again.keras") == digest(tmp_path / "other.h5")


def test_the_loss_is_read_as_keras_writes_it(keras: Any, tmp_path: Path) -> None:
    network, losses = sequential(keras), keras.losses
    found = []
    for suffix, kind in FORMATS.items():
        for loss in ("mse", ["mse"], losses.MeanSquaredError(name="mine"), losses.mean_squared_error):
            network.compile(loss=loss)
            file = tmp_path / f"model{suffix}"
            network.save(file)
            found.append(read(file, kind).loss.name)

    assert ["mse", "mse", "mean_squared_error", "mean_squared_error"] * 2 == found


def test_whether_a_loss_takes_logits_is_read_as_keras_writes_it(keras: Any, tmp_path: Path) -> None:
    network, losses = sequential(keras), keras.losses
    cases = {
        "binary_crossentropy": ("binary_crossentropy", False),
        losses.BinaryCrossentropy(): ("binary_crossentropy", False),
        losses.BinaryCrossentropy(from_logits=True, name="mine"): ("binary_crossentropy", True),
        losses.BinaryFocalCrossentropy(from_logits=True): ("binary_focal_crossentropy", True),
        losses.SquaredHinge(): ("squared_hinge", False),
    }
    for suffix, kind in FORMATS.items():
        for loss, told in cases.items():
            network.compile(loss=loss)
            network.save(tmp_path / f"model{suffix}")
            assert TrainingLoss(*told) == read(tmp_path / f"model{suffix}", kind).loss


def test_a_lambda_layer_as_keras_writes_it_is_found(keras: Any, tmp_path: Path) -> None:
    layer = keras.layers.Lambda(lambda x: x * 2)
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.TimeDistributed(layer)])
    found = []
    for suffix, kind in FORMATS.items():
        file = tmp_path / f"model{suffix}"
        network.save(file)
        found += [(finding.rule, finding.subject) for finding in check(read(file, kind))]

    assert 2 == found.count(("BD201", "class:Lambda"))
