"""What the generator of differences (`tests.corpus.differences`) found: Keras' reading is followed, or the file is refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.models.proof.comparison import difference
from gate.models.proof.description import describe
from gate.models.proof.keras_loading import load_by_keras

Config = dict[str, Any]


def alike(rebuilt: Callable[[Path], Any], file: Path) -> str:
    loaded = load_by_keras(file)
    assert loaded.network is not None, loaded.refusal
    return difference(describe(rebuilt(file)), loaded.network)


def entries(config: Config) -> dict[str, Config]:
    return {entry["config"]["name"]: entry for entry in config["config"]["layers"]}


def two_flats(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((4, 4, 3))
    one = layers.Rescaling(0.5, name="one")(image)
    two = layers.Rescaling(0.5, name="two")(layers.ReLU(name="relu")(image))
    x = layers.Subtract(name="minus")([one, two])
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))


def one_object(config: Config) -> Config:
    one, two = (entries(config)[name] for name in ("one", "two"))
    two["config"] = one["config"]
    one["shared_object_id"] = two["shared_object_id"] = 1
    return config


def test_a_layer_at_two_places_of_a_graph(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Keras takes the first call of both places for the second place, too."""
    file = saved(two_flats(keras), ".keras", one_object)

    with pytest.raises(IncompleteError, match=r"'one'.* elsewhere in the network, too") as refused:
        rebuilt(file)

    assert "BD003" == refused.value.rule


def test_an_hdf5_file_shares_nothing(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Keras goes by the numbers of shared objects in its archives only."""
    layers = keras.layers
    inside, image = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    inner = keras.Model(inside, layers.Rescaling(0.5, name="one")(inside))
    x = layers.Subtract()([layers.Rescaling(0.5, name="one")(image), inner(image)])
    network = keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))

    def change(config: Config) -> Config:
        for holder in (config, entries(config)[inner.name]):
            entries(holder)["one"]["shared_object_id"] = 1
        return config

    assert "" == alike(rebuilt, saved(network, ".h5", change))


def test_one_input_of_two_networks(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    entrance = keras.Input((4, 4, 3))
    inner = keras.Sequential([entrance, layers.Flatten(), layers.Dense(3)])
    file = saved(keras.Sequential([entrance, inner, layers.Softmax()]))

    assert "" == alike(rebuilt, file)


@pytest.mark.parametrize("axis", [[1, 2], None])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_several_axes_without_a_module(keras: Any, saved: Any, rebuilt: Any, suffix: str, axis: Any) -> None:
    """Keras forgets a list of axes, or null, where an entry has no module: in every HDF5 file."""
    image = keras.Input((4, 4, 3))
    x = keras.layers.Softmax(axis=(1, 2), name="places")(image)
    network = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))

    def change(config: Config) -> Config:
        entries(config)["places"].pop("module", None)
        entries(config)["places"]["config"]["axis"] = axis
        return config

    with pytest.raises(
        IncompleteError, match=f"'places'.* axis = {re.escape(repr(axis))}, which Keras 3 forgets"
    ):
        rebuilt(saved(network, suffix, change))


@pytest.mark.parametrize("axis", [[1], 1.0])
def test_one_axis_without_a_module(keras: Any, saved: Any, rebuilt: Any, axis: Any) -> None:
    image = keras.Input((4, 4, 3))
    x = keras.layers.Softmax(axis=1, name="places")(image)
    network = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))

    def change(config: Config) -> Config:
        entries(config)["places"]["config"]["axis"] = axis
        return config

    assert "" == alike(rebuilt, saved(network, ".h5", change))


def test_a_sequential_network_whose_first_layer_has_a_precision(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Without an input layer Keras makes one, of the type that the first layer computes in."""
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.Rescaling(1.0), layers.Flatten(), layers.Dense(3)]
    )

    def change(config: Config) -> Config:
        config["config"]["layers"].pop(0)
        config["config"]["layers"][0]["config"]["dtype"] = "float16"
        return config

    assert "" == alike(rebuilt, saved(network, ".keras", change))


def test_a_sequential_network_that_is_frozen_as_a_whole_only(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Keras forgets it, and it would change the order in which HDF5 lists the weights."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.BatchNormalization(),
            layers.Conv2D(3, 1),
            layers.BatchNormalization(),
        ]
    )
    image = keras.Input((4, 4, 3))
    network = keras.Model(image, layers.Dense(3)(layers.Flatten()(inner(image))))

    def change(config: Config) -> Config:
        entries(config)[inner.name]["config"]["trainable"] = False
        return config

    assert "" == alike(rebuilt, saved(network, ".h5", change))


def normalises(keras: Any, **options: Any) -> Any:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4, 4, 3)), layers.Normalization(name="standard", **options)])
    image = keras.Input((4, 4, 3))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(inner(image))))


def test_a_stored_mean_within_a_network_in_hdf5(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Keras loads mean and variance of such a layer, and goes on computing with 0 and 1."""
    with pytest.raises(IncompleteError, match="'standard' normalises within another layer or network"):
        rebuilt(saved(normalises(keras), ".h5"))


def test_a_mean_within_a_network(keras: Any, saved: Any, rebuilt: Any) -> None:
    assert "" == alike(rebuilt, saved(normalises(keras), ".keras"))
    assert "" == alike(rebuilt, saved(normalises(keras, mean=0.5, variance=2.0), ".h5"))


@pytest.mark.parametrize(
    ("key", "value"), [("autocast", False), ("autocast", None), ("trainable", 0), ("trainable", "false")]
)
def test_options_of_every_layer(keras: Any, saved: Any, rebuilt: Any, key: str, value: Any) -> None:
    network = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(name="flat"), keras.layers.Dense(3)]
    )

    def change(config: Config) -> Config:
        entries(config)["flat"]["config"][key] = value
        return config

    with pytest.raises(IncompleteError, match=f"'flat'.* {key} = {value!r}"):
        rebuilt(saved(network, ".keras", change))


def test_a_network_that_can_be_built_and_not_computed(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4, 4, 3)), layers.BatchNormalization()])
    image = keras.Input((4, 4, 3))
    network = keras.Model(image, layers.Dense(3)(layers.Flatten()(inner(image))))

    def change(config: Config) -> Config:
        entries(config)[inner.name]["inbound_nodes"][0]["kwargs"]["mask"] = False
        return config

    with pytest.raises(IncompleteError, match="The network cannot be built"):
        describe(rebuilt(saved(network, ".keras", change)))


def test_an_input_of_two_shapes(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Keras takes the one that earlier versions wrote."""
    network = keras.Sequential(
        [keras.Input((4, 4, 3), name="image"), keras.layers.Flatten(), keras.layers.Dense(3)]
    )

    def change(config: Config) -> Config:
        entries(config)["image"]["config"]["batch_input_shape"] = [None, 4, None, 3]
        return config

    with pytest.raises(IncompleteError, match=r"'image'.* has two shapes"):
        rebuilt(saved(network, ".h5", change))


def test_inputs_in_a_list_within_a_list(keras: Any, saved: Any, rebuilt: Any) -> None:
    network = keras.Model(
        image := keras.Input((4, 4, 3)), keras.layers.Dense(3)(keras.layers.Flatten()(image))
    )

    def change(config: Config) -> Config:
        config["config"]["input_layers"] = [[config["config"]["input_layers"]]]
        return config

    file = saved(network, ".keras", change)

    assert "" == alike(rebuilt, file)
    assert (None, 3) == np.shape(rebuilt(file).output)


@pytest.mark.parametrize(
    ("has_bias", "said"), [(False, "'gru'.* does not say whether it resets after"), (True, "")]
)
def test_a_gru_of_keras_2_that_does_not_say_its_kind(
    keras: Any, saved: Any, rebuilt: Any, has_bias: bool, said: str
) -> None:
    """Keras 3 takes the other kind, which without a bias fits the weights as well."""
    layers = keras.layers
    gru = layers.GRU(2, use_bias=has_bias, reset_after=False, name="gru")
    network = keras.Sequential([keras.Input((4, 4, 3)), layers.Reshape((4, 12)), gru, layers.Dense(3)])

    def change(config: Config) -> Config:
        del entries(config)["gru"]["config"]["reset_after"]
        return config

    file = saved(network, ".h5", change, "2.2.0")

    if said:
        with pytest.raises(IncompleteError, match=said):
            rebuilt(file)
    else:
        rebuilt(file)
        assert "" != load_by_keras(file).refusal


def test_what_only_training_asks_for_makes_no_two_networks(keras: Any, saved: Any, rebuilt: Any) -> None:
    layers = keras.layers
    norm = layers.BatchNormalization(synchronized=True, renorm_momentum=0.9)
    network = keras.Sequential([keras.Input((4, 4, 3)), norm, layers.Flatten(), layers.Dense(3)])

    assert "" == alike(rebuilt, saved(network))


def operations(keras: Any) -> Any:
    image = keras.Input((4, 4, 3))
    x = keras.ops.softmax(keras.ops.cast(image, "float32"), axis=1)
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))


def with_null(kind: str, option: str) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        (entry,) = [entry for entry in config["config"]["layers"] if entry["class_name"] == kind]
        entry["config"][option] = None
        return config

    return change


def test_null_as_the_option_of_an_operation(keras: Any, saved: Any, rebuilt: Any) -> None:
    """Softmax over an axis of null is one over all numbers, not over the last axis."""
    assert "" == alike(rebuilt, saved(operations(keras), ".keras", with_null("Softmax", "axis")))
    with pytest.raises(IncompleteError, match="does not say into which type"):
        rebuilt(saved(operations(keras), ".keras", with_null("Cast", "dtype")))


def test_a_shape_beside_a_network_that_comes_first(keras: Any, saved: Any, rebuilt: Any) -> None:
    """A network begins as its own first layer says, whatever else its entry states."""
    layers = keras.layers
    inside = keras.Input((4, 4, 3))
    inner = keras.Model(inside, layers.Rescaling(0.5)(inside))
    network = keras.Sequential([inner, layers.Flatten(), layers.Dense(3)])

    def change(config: Config) -> Config:
        first, *rest = config["config"]["layers"]
        config["config"]["layers"] = rest if first["class_name"] == "InputLayer" else [first, *rest]
        config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, None, None, 3]
        return config

    assert "" == alike(rebuilt, saved(network, ".keras", change))
