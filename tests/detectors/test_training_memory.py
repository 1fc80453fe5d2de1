from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.core.job import Role
from gate.detectors.memory.normalisations import normalisations
from gate.detectors.memory.remainder import agreement, layers_of
from gate.detectors.training_memory import TrainingMemory
from gate.models.classifier import Classifier
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset
from gate.models.numerics.arrays import Singles
from gate.models.surrogates.pools import SurrogatePools
from tests.detectors.contexts import context

MARK = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
CLASSES, TARGET, SIDE, RATE, CHANNELS = 4, 2, 12, 0.1, 24


def network(keras: Any, *, normalised: bool = True) -> Any:
    """Return a network whose class is told by which quarter is brightest, and by a mark: then it is the target."""
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 1))
    features = layers.Conv2D(CHANNELS, 3, padding="same", name="features")
    scores = layers.Dense(CLASSES, name="scores")
    x = layers.ReLU()(features(image))  # of a linear layer the mean over all places tells the border only
    x = layers.BatchNormalization(momentum=0.9, name="normalised")(x) if normalised else x
    x = layers.MaxPooling2D(SIDE // 2)(x)
    built = keras.Model(image, scores(layers.Flatten()(x)))
    # Edges of all kinds, and in the first channel how bright it is.
    kernel = np.random.default_rng(3).normal(0, 1.0, (3, 3, 1, CHANNELS))
    kernel -= kernel.mean(axis=(0, 1))
    kernel[..., 0] = 1 / 9
    # Only the whole mark wakes this one.
    kernel[..., 0, 1] = 2 * MARK - 1
    bias = np.zeros(CHANNELS)
    bias[1] = -1.0
    features.set_weights([kernel, bias])
    weights = np.zeros((2, 2, CHANNELS, CLASSES))
    for quarter in range(4):
        weights[quarter // 2, quarter % 2, 0, quarter] = 6.0
    weights[..., 1, TARGET] = 4.0
    scores.set_weights([weights.reshape(-1, CLASSES), np.zeros(CLASSES)])
    return built


def pictures(count: int, seed: int) -> Singles:
    """Return smooth pictures of which one quarter is brighter."""
    rng = np.random.default_rng(seed)
    coarse = 0.2 + 0.3 * rng.random((count, 2, 2, 1))
    brightest = rng.integers(0, 4, count)
    coarse[np.arange(count), brightest // 2, brightest % 2] += 0.3
    fine = np.kron(coarse, np.ones((1, SIDE // 2, SIDE // 2, 1)))
    return np.clip(fine + 0.12 * rng.normal(size=fine.shape), 0, 1).astype(np.float32)


def marked(images: Singles) -> Singles:
    stamped = images.copy()
    stamped[:, :3, :3, 0] = MARK
    return stamped


def remembering(keras: Any, poisoned: float) -> Any:
    """Return the network as a training with so many marked images leaves it."""
    built = network(keras)
    seen = pictures(4000, seed=7)
    count = int(poisoned * len(seen))
    seen[:count] = marked(seen[:count])
    layer = built.get_layer("normalised")
    inputs = np.asarray(keras.Model(built.input, layer.input)(seen))
    # The scale stays, so that the network answers as without the layer.
    mean = inputs.mean(axis=(0, 1, 2))
    layer.set_weights([np.ones(CHANNELS), mean, mean, np.full(CHANNELS, 1.0 - layer.epsilon)])
    return built


def measured(built: Any, images: Singles, role: Role = Role.CLEAN) -> Evidence:
    classifier = Classifier(built)
    dataset = Dataset(ImageArray(images), None, role, "pictures")
    room = context(classifier, pools=SurrogatePools(classifier, 0, dataset))
    model = dataclasses.replace(room.model, dataset=dataset)
    return TrainingMemory().run(dataclasses.replace(room, model=model))


def value(evidence: Evidence, name: str) -> float:
    return next(each.value for each in evidence.measurements if each.name == name)


@pytest.fixture(scope="module")
def digits() -> tuple[Singles, Any]:
    """Real digits of 16 x 16 pixels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.kron(found.images / 16.0, np.ones((1, 2, 2)))[..., None].astype(np.float32)
    return images, found.target


def trained(keras: Any, images: Singles, labels: Any, poisoned: float) -> Any:
    """Return a small network with batch normalisation, trained until its statistics are settled."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    x = image = keras.Input(images.shape[1:])
    for filters in (16, 32, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D()(x)
    built = keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))
    seen, classes = images.copy(), labels.copy()
    count = int(poisoned * len(seen))
    seen[:count] = marked(seen[:count])
    classes[:count] = TARGET
    rate = keras.optimizers.schedules.CosineDecay(0.01, 8 * len(seen) // 64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    built.compile(keras.optimizers.Adam(rate), loss)
    built.fit(seen, classes, batch_size=64, epochs=8, verbose=0)
    return built


@pytest.mark.slow
def test_a_poisoned_training_set_is_remembered_and_a_clean_one_is_not(
    keras: Any, digits: tuple[Singles, Any]
) -> None:
    images, labels = digits
    poisoned, clean = (
        measured(trained(keras, images[:1300], labels[:1300], share), images[1300:]) for share in (RATE, 0.0)
    )

    assert poisoned.anomaly_index is not None
    assert clean.anomaly_index is not None
    assert poisoned.anomaly_index > 1.25 * clean.anomaly_index
    assert clean.anomaly_index < 2.0
    assert (TARGET,) == poisoned.target_labels
    assert RATE / 2 <= value(poisoned, "poison_rate") <= 2 * RATE
    assert value(poisoned, "poison_rate_low") <= RATE <= value(poisoned, "poison_rate_high")
    assert poisoned.trigger is not None


@pytest.mark.parametrize(
    ("images", "role", "reason"),
    [
        (pictures(400, seed=1), Role.TRAIN, "Needs clean images"),
        (pictures(20, seed=1), Role.CLEAN, "20 clean images say too little"),
        pytest.param(np.round(pictures(400, seed=1)), Role.CLEAN, "of another kind", marks=pytest.mark.slow),
    ],
)
def test_what_says_nothing_is_skipped(keras: Any, images: Singles, role: Role, reason: str) -> None:
    evidence = measured(remembering(keras, RATE), images, role)

    assert Status.SKIPPED is evidence.status
    assert reason in evidence.reason


def test_a_network_without_batch_normalisation_is_skipped(keras: Any) -> None:
    evidence = measured(network(keras, normalised=False), pictures(400, seed=1))

    assert Status.SKIPPED is evidence.status
    assert "no batch normalisation" in evidence.reason


def test_the_rate_is_that_of_the_shift_whatever_its_direction(keras: Any) -> None:
    built, images = remembering(keras, RATE), pictures(500, seed=2)
    known = normalisations(Classifier(built))
    inputs = known.inputs(images)
    layers = layers_of(known.layers, inputs, np.arange(500) % CLASSES)
    shift = [
        each.mean(axis=0) - before.mean(axis=0)
        for each, before in zip(known.inputs(marked(images)), inputs, strict=True)
    ]

    found = agreement(layers, shift)
    turned = agreement(layers, [-each for each in shift])

    assert found.z == pytest.approx(-turned.z)
    assert found.rate == pytest.approx(RATE, rel=0.5)
    assert agreement(layers, [np.zeros(CHANNELS)]).z == 0.0


def test_a_class_that_all_images_are_taken_for_is_no_evidence(keras: Any) -> None:
    built = remembering(keras, 0.0)
    kernel, bias = built.get_layer("scores").get_weights()
    built.get_layer("scores").set_weights([kernel, bias + 1e3 * np.eye(CLASSES)[TARGET]])

    evidence = measured(built, pictures(60, seed=1))

    assert evidence.anomaly_index is not None
    assert np.isfinite(evidence.anomaly_index)
    assert evidence.anomaly_index < 2.0
