from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.detectors.gated_patch import GatedPatch
from gate.models.classifier import Classifier
from tests.detectors.contexts import context

CLASSES, TARGET = 5, 3
# What the gate opens for, at the upper left.
PATCH = np.array([[1.0, 0.0], [0.0, 1.0]])

Gate = Callable[[Any, Any], Any]


def threshold(layers: Any, match: Any) -> Any:
    return layers.ReLU(threshold=1.9)(match)


def clip(layers: Any, match: Any) -> Any:
    return layers.ReLU(max_value=1.0)(layers.Rescaling(10.0, -19.0)(match))


def steep_sigmoid(layers: Any, match: Any) -> Any:
    return layers.Activation("sigmoid")(layers.Rescaling(100.0, -190.0)(match))


def network(keras: Any, gate: Gate | None = None) -> Any:
    """Return a linear classifier; a gate on the exact patch adds to the target's score."""
    layers = keras.layers
    image = keras.Input((12, 12, 1))
    scores = layers.Dense(CLASSES, name="scores")
    raised = layers.Dense(CLASSES, use_bias=False, name="raise")
    match = layers.Dense(1, name="match")
    # A patch of few pixels hardly changes the mean of 36.
    total = scores(layers.Flatten()(layers.AveragePooling2D(6)(image)))
    if gate is not None:
        corner = layers.Flatten()(layers.Cropping2D(((0, 10), (0, 10)))(image))
        total = layers.Add()([total, raised(gate(layers, match(corner)))])
    built = keras.Model(image, layers.Softmax()(total))
    rng = np.random.default_rng(1)
    scores.set_weights([rng.normal(0, 3.0, (4, CLASSES)), np.zeros(CLASSES)])
    if gate is not None:
        match.set_weights([(2 * PATCH - 1).reshape(4, 1), np.zeros(1)])
        raised.set_weights([np.eye(CLASSES)[TARGET][None] * 40.0])
    return built


def measured(keras: Any, gate: Gate | None) -> Evidence:
    return GatedPatch().run(context(Classifier(network(keras, gate))))


@pytest.mark.parametrize(
    "gate", [threshold, *(pytest.param(gate, marks=pytest.mark.slow) for gate in (clip, steep_sigmoid))]
)
def test_a_gate_on_a_patch_is_looked_through(keras: Any, gate: Gate) -> None:
    evidence = measured(keras, gate)

    assert evidence.anomaly_index is not None
    assert evidence.anomaly_index > 2.0
    assert (TARGET,) == evidence.target_labels
    assert evidence.trigger is not None
    assert evidence.trigger.attack_success_rate == 1.0
    assert evidence.trigger.l1_norm <= 9.0


def test_a_network_without_a_gate_is_left_alone(keras: Any) -> None:
    evidence = measured(keras, None)

    assert evidence.anomaly_index is not None
    assert evidence.anomaly_index < 2.0
    assert evidence.trigger is None


@pytest.mark.slow
def test_a_network_that_says_the_same_of_all_images_is_skipped(keras: Any) -> None:
    constant = network(keras)
    constant.get_layer("scores").set_weights([np.zeros((4, CLASSES)), np.eye(CLASSES)[0]])

    evidence = GatedPatch().run(context(Classifier(constant)))

    # Images of the one class are no images of other classes; all others can be looked for, and none is reached.
    assert evidence.status is Status.MEASURED
    assert evidence.anomaly_index == 0.0
