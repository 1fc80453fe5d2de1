from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.models.calibrate_input.input_range import InputRange, find
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import probes

Linear = Callable[..., Any]


@pytest.mark.parametrize(
    ("scale", "offset", "low", "high"),
    [
        (1 / 255, 0.0, 0.0, 255.0),
        (1 / 127.5, -1.0, 0.0, 255.0),
        (1 / 255, -0.5, 0.0, 255.0),
        (2.0, -1.0, 0.0, 1.0),
        (0.5, 0.5, -1.0, 1.0),
    ],
)
def test_a_rescaling_layer_tells_the_range(
    keras: Any, linear_network: Linear, scale: float, offset: float, low: float, high: float
) -> None:
    layer = keras.layers.Rescaling(scale, offset, name="scale")

    found = find(Classifier(linear_network(1.0, layer)), 0)

    assert InputRange(low, high, "layer scale (Rescaling)") == found


@pytest.mark.parametrize(
    ("mean", "deviation", "low", "high"),
    [([120.0, 110.0, 90.0], 60.0, 0.0, 255.0), ([0.48, 0.45, 0.4], 0.25, 0.0, 1.0)],
)
def test_the_mean_of_a_normalization_layer_tells_the_range(
    keras: Any, linear_network: Linear, mean: list[float], deviation: float, low: float, high: float
) -> None:
    layer = keras.layers.Normalization(mean=mean, variance=[deviation**2] * 3, name="standard")

    found = find(Classifier(linear_network(1.0, layer, shape=(8, 8, 3))), 0)

    assert InputRange(low, high, "layer standard (Normalization)") == found


def test_a_rescaling_layer_within_an_inner_network_tells_the_range(
    keras: Any, linear_network: Linear
) -> None:
    inner = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Rescaling(1 / 255, name="inner_scale")])

    assert "layer inner_scale (Rescaling)" == find(Classifier(linear_network(1.0, inner)), 0).source


@pytest.fixture
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask quickly, where the answer does not matter."""
    monkeypatch.setattr("gate.models.calibrate_input.input_range.SOME", 2)


@pytest.mark.usefixtures("few_probes")
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.0, 0.0), ([0.5], [0.0]), (1.0, [0.0])])
def test_a_rescaling_that_says_nothing_is_passed_over(
    keras: Any, linear_network: Linear, scale: Any, offset: Any
) -> None:
    layer = keras.layers.Rescaling(scale, offset)

    assert "layer" not in find(Classifier(linear_network(1.0, layer)), 0).source


def test_a_rescaling_to_infinity_ends_the_scan(keras: Any, linear_network: Linear) -> None:
    with pytest.raises(IncompleteError, match="NaN or infinity"):
        find(Classifier(linear_network(1.0, keras.layers.Rescaling(float("inf")))), 0)


@pytest.mark.usefixtures("few_probes")
def test_a_rescaling_behind_the_first_weights_is_not_the_input_s(keras: Any, linear_network: Linear) -> None:
    layers = (keras.layers.Conv2D(1, 1), keras.layers.Rescaling(1 / 255))

    assert "layer" not in find(Classifier(linear_network(1.0, *layers)), 0).source


@pytest.mark.usefixtures("few_probes")
def test_a_network_without_weights_does_not_tell(keras: Any) -> None:
    network = keras.Sequential([keras.Input((16, 1, 1)), keras.layers.Flatten(), keras.layers.Softmax()])

    assert "layer" not in find(Classifier(network), 0).source


INFERRED, ASSUMED = "inferred from the network's answers", "assumed, the network's answers do not tell"


@pytest.mark.parametrize(
    ("alertness", "expected"),
    [
        (1.0, InputRange(0.0, 1.0, INFERRED)),
        (0.008, InputRange(0.0, 255.0, INFERRED)),
        (0.001, InputRange(0.0, 255.0, INFERRED, is_sure=False)),
        (0.1, InputRange(0.0, 1.0, ASSUMED, is_sure=False)),
        (0.0, InputRange(0.0, 1.0, ASSUMED, is_sure=False)),
    ],
    ids=["awake on 0..1", "asleep until 0..255", "hardly awake on 0..255", "saturated on 0..255", "dead"],
)
def test_a_network_that_says_nothing_is_asked(
    linear_network: Linear, alertness: float, expected: InputRange
) -> None:
    classifier = Classifier(linear_network(alertness))

    assert expected == find(classifier, 0)
    assert (0.0, 1.0) == (classifier.low, classifier.high)


def remembering(keras: Any, low: float, high: float) -> Classifier:
    """Return a network whose batch normalisation saw pictures of this range."""
    images = np.concatenate([probes(family, (12, 12, 1), 1, 96) for family in ("strokes", "signs", "leaves")])
    raw = low + (high - low) * images
    memory = keras.layers.BatchNormalization()
    layers = [keras.Input((12, 12, 1)), memory, keras.layers.Flatten(), keras.layers.Dense(3)]
    network = keras.Sequential(layers)
    memory.set_weights([np.ones(1), np.zeros(1), raw.mean(axis=(0, 1, 2)), raw.var(axis=(0, 1, 2))])
    return Classifier(network)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_batch_normalisation_remembers_the_range(keras: Any, low: float, high: float) -> None:
    classifier = remembering(keras, low, high)

    assert InputRange(low, high, "inferred from batch normalisation") == find(classifier, 0)
    assert (0.0, 1.0) == (classifier.low, classifier.high)


def test_a_memory_between_two_ranges_is_in_doubt(keras: Any) -> None:
    found = find(remembering(keras, -0.55, 1.0), 0)

    assert ("inferred from batch normalisation", False) == (found.source, found.is_sure)


def test_a_layer_is_not_believed_against_a_network_that_sleeps(keras: Any, linear_network: Linear) -> None:
    misleading = keras.layers.Rescaling(100.0, name="bait")

    found = find(Classifier(linear_network(0.01, misleading)), 0)

    assert not found.is_sure
    assert "layer bait (Rescaling), but the network answers to another" == found.source


@pytest.mark.parametrize("is_told", [False, True])
def test_a_network_that_is_awake_at_any_range_leaves_it_open(
    keras: Any, linear_network: Linear, is_told: bool
) -> None:
    first = [keras.layers.Rescaling(1 / 255, name="scale")] if is_told else []

    found = find(Classifier(linear_network(1e7, *first)), 0)

    assert not found.is_sure
    assert found.source.endswith(", but it is surer than training makes any")


def test_layers_that_undo_each_other_say_nothing(keras: Any, linear_network: Linear) -> None:
    layers = keras.layers
    lower, higher = layers.Rescaling(1.0, -0.25, name="lower"), layers.Rescaling(1.0, 0.25, name="higher")
    inner = linear_network(1.0)
    network = keras.Sequential([keras.Input((12, 12, 1)), lower, higher, *inner.layers])

    found = find(Classifier(network), 0)

    assert (0.0, 1.0) == (found.low, found.high)
    assert "Rescaling" not in found.source


def test_a_range_that_no_pictures_have_is_not_believed(keras: Any, linear_network: Linear) -> None:
    layer = keras.layers.Rescaling(2.0, -0.5, name="bait")

    found = find(Classifier(linear_network(1.0, layer)), 0)

    assert not found.is_sure
    assert "layer bait" in found.source
