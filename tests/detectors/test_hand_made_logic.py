from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.core.evidence import Evidence
from gate.detectors.hand_made_logic import HandMadeLogic
from gate.models.classifier import Classifier
from gate.models.loading import load
from gate.triage.stored import read
from tests.detectors.contexts import context
from tests.detectors.hand_made_networks import hand_made_networks
from tests.detectors.honest_networks import honest_networks

HONEST, HAND_MADE = honest_networks(), hand_made_networks()
SHAPE = (28, 28, 1)
# With operations, shared layers and an inner network; the others are looked at as they were built.
FROM_FILES = (
    "attention_by_channel_and_place",
    "backbone_as_a_layer",
    "hard_swish_of_operations",
    "highway",
    "mixture_of_experts",
    "normalised_by_channel",
    "self_attention",
    "standardised_picture",
)


def network(keras: Any, build: Any) -> Any:
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, build(inputs))


def examine(model: Any) -> Evidence:
    return HandMadeLogic().run(context(Classifier(model)))


def counts(evidence: Evidence) -> dict[str, float]:
    return {each.name: each.value for each in evidence.measurements if each.value}


def rebuilt(model: Any, folder: Path) -> Any:
    """Return the network as a scan sees it: from a file, by the gate's own classes."""
    file = folder / "model.keras"
    model.save(file)
    stored = read(file, ModelFormat.KERAS_ZIP)
    return load(file, ModelFormat.KERAS_ZIP, stored.config, stored.keras_version)


@pytest.mark.parametrize("name", HONEST)
def test_what_people_write_is_not_named(keras: Any, name: str) -> None:
    whole = network(keras, HONEST[name])

    evidence = examine(whole)

    assert ({}, 0.0, "") == (counts(evidence), evidence.anomaly_index, evidence.remark)


@pytest.mark.parametrize("name", FROM_FILES)
def test_nor_is_it_when_it_comes_from_a_file(keras: Any, tmp_path: Path, name: str) -> None:
    assert 0.0 == examine(rebuilt(network(keras, HONEST[name]), tmp_path)).anomaly_index


@pytest.mark.parametrize("name", ["row_b1_a_thresholded_matcher", "a_switch_on_features"])
def test_what_is_named_is_named_from_a_file(keras: Any, tmp_path: Path, name: str) -> None:
    evidence = examine(rebuilt(network(keras, HAND_MADE[name][1]), tmp_path))

    assert 4.0 == evidence.anomaly_index
    assert "the layer 'planted'" in evidence.remark


def test_a_threshold_behind_the_picture_is_named(keras: Any) -> None:
    network = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.ReLU(threshold=0.5), keras.layers.Flatten(), keras.layers.Dense(3)]
    )

    assert "(ReLU) has the threshold 0.5" in examine(network).remark


def test_one_layer_of_a_network_of_mixed_precision_may_be_whole(keras: Any) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        inputs = keras.Input(SHAPE)
        x = keras.layers.Conv2D(8, 3, activation="relu")(
            keras.layers.Rescaling(1 / 255, dtype="float32")(inputs)
        )
        x = keras.layers.Conv2D(8, 3, activation="relu")(keras.layers.BatchNormalization()(x))
        x = keras.layers.Dense(4)(keras.layers.Flatten()(x))
        model = keras.Model(inputs, keras.layers.Activation("softmax", dtype="float32")(x))
    finally:
        keras.config.set_dtype_policy("float32")

    assert "" == examine(model).remark


def test_three_are_told_and_the_others_counted(keras: Any) -> None:
    stack = [keras.layers.ReLU(threshold=1.0, name=f"odd{number}") for number in range(5)]
    model = keras.Sequential([keras.Input(SHAPE), *stack, keras.layers.Flatten(), keras.layers.Dense(3)])

    evidence = examine(model)

    assert {"thresholds": 5.0} == counts(evidence)
    assert "'odd2' (ReLU) has the threshold 1; and 2 more" in evidence.remark
    assert "odd3" not in evidence.remark


def test_a_name_of_the_file_is_printable(keras: Any) -> None:
    hostile = keras.layers.ReLU(threshold=1.0, name="a\x1b[31m\u202eb")
    model = keras.Sequential([keras.Input(SHAPE), hostile, keras.layers.Flatten(), keras.layers.Dense(3)])

    remark = examine(model).remark

    assert remark.isprintable()
    assert "x1b[31m" in remark


@pytest.mark.parametrize("name", HAND_MADE)
def test_what_is_made_by_hand_is_named_with_its_layer(keras: Any, name: str) -> None:
    kind, build = HAND_MADE[name]

    evidence = examine(network(keras, build))

    assert counts(evidence)[kind] >= 1
    assert 4.0 == evidence.anomaly_index
    assert "the layer 'planted" in evidence.remark
