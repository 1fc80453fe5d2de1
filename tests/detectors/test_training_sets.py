"""The two detectors that compare the classes of a training set by their activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.core.job import Role
from gate.detectors import create
from gate.detectors.shared.contract import Context
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import FEWEST, Dataset
from gate.models.features.activations import Representations
from gate.models.prepare import PreparedModel

CLASSES, EACH, POISON, TARGET = 5, 120, 40, 3
SHAPE = (8, 8, 1)
both = pytest.mark.parametrize("detector", ["activation-clustering", "spectral-signatures"])


@dataclass
class Transparent:
    """A classifier whose activations are the first column of pixels, and that remembers the layer it was asked for."""

    layers: list[str] = field(default_factory=list)

    def activation_function(self, layer: str) -> Callable[[Any], Any]:
        self.layers.append(layer)
        return lambda images: images[:, :, 0, 0]


def clean_images(seed: int = 0, each: int = EACH) -> tuple[Any, Any]:
    """Return classes that are bell-shaped clouds around different pictures, and their labels."""
    rng = np.random.default_rng(seed)
    pictures = rng.uniform(0.3, 0.7, (CLASSES, *SHAPE))
    labels = np.repeat(np.arange(CLASSES), each)
    noise = rng.normal(0, 0.05, (len(labels), *SHAPE))
    noise[:, :, 0] *= 0.2
    return (pictures[labels] + noise).astype(np.float32), labels


def poisoned(rows: slice = slice(0, POISON)) -> Dataset:
    """Return a set in which `rows` of the target class are pictures of another class with a slightly brighter pixel."""
    images, labels = clean_images()
    victims = np.flatnonzero(labels == 0)[rows]
    members = np.flatnonzero(labels == TARGET)[rows]
    images[members] = images[victims]
    images[members, 7, 0] += 0.15
    return training_set(images, labels)


def training_set(images: Any, labels: Any, role: Role = Role.TRAIN) -> Dataset:
    return Dataset(ImageArray(images), labels, role, "train.npz")


def run(detector: str, dataset: Dataset | None, **parameters: Any) -> tuple[Evidence, Transparent]:
    classifier: Any = Transparent()
    known = None
    if dataset is not None and dataset.labels is not None:
        known = Representations(classifier, dataset, 0)
    pools: Any = None
    context = Context(
        model=PreparedModel(classifier=classifier, pools=pools, dataset=dataset, representations=known),
        seed=0,
        is_full=False,
        progress=lambda *_: None,
    )
    return create(detector, parameters).run(context), classifier


@both
@pytest.mark.parametrize("seed", range(5))
def test_a_clean_set_raises_no_alarm(detector: str, seed: int) -> None:
    evidence, _ = run(detector, training_set(*clean_images(seed)))

    assert (evidence.anomaly_index or 0.0) < 2.0
    assert 1 == len(evidence.target_labels)
    assert evidence.suspects is None


@both
@pytest.mark.parametrize("rows", [slice(0, POISON), slice(0, 75)], ids=["a third", "most of its class"])
def test_the_poisoned_class_and_its_poisoned_samples_are_named(detector: str, rows: slice) -> None:
    dataset = poisoned(rows)

    evidence, _ = run(detector, dataset)

    assert evidence.suspects is not None
    assert (Status.MEASURED, (TARGET,)) == (evidence.status, evidence.target_labels)
    assert (evidence.anomaly_index or 0.0) > 2.0
    first = TARGET * EACH
    assert set(range(first, first + rows.stop)) == {each.index for each in evidence.suspects.samples}
    assert {TARGET} == {each.label for each in evidence.suspects.samples}
    assert min(each.score for each in evidence.suspects.samples) > 0


@both
def test_every_class_has_its_index(detector: str) -> None:
    evidence, _ = run(detector, poisoned())

    indices = {item.label: item.value for item in evidence.measurements if item.name == "index"}
    assert set(range(CLASSES)) == set(indices)
    assert max(indices.values()) == indices[TARGET] == evidence.anomaly_index


@both
def test_if_every_class_falls_in_two_none_stands_out(detector: str) -> None:
    images, labels = clean_images()
    images[::2, 7, 0] += 0.15

    evidence, _ = run(detector, training_set(images, labels))

    assert (evidence.anomaly_index or 0.0) < 2.0


@both
def test_the_stated_layer_is_examined(detector: str) -> None:
    _, classifier = run(detector, poisoned(), layer="conv_7")

    assert {"conv_7"} == set(classifier.layers)


@both
def test_small_classes_are_left_out(detector: str) -> None:
    images, labels = clean_images()
    keep = (labels != 4) | (np.arange(len(labels)) % 2 == 0)

    evidence, _ = run(detector, training_set(images[keep], labels[keep]))

    assert EACH // 2 < FEWEST
    assert {0, 1, 2, 3} == {item.label for item in evidence.measurements}


@both
@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (None, "Needs a labelled training set; give one with --data."),
        (training_set(clean_images()[0], None), "Needs labels; the data set has none."),
        (
            training_set(*clean_images(), role=Role.CLEAN),
            "Needs the training set; the data set given is a clean one.",
        ),
        (
            training_set(*clean_images(each=10)),
            "Needs two classes of 64 samples or more, to compare them; the largest ones have 10 and 10.",
        ),
        (
            training_set(clean_images()[0][:EACH], np.zeros(EACH, np.int64)),
            "Needs two classes of 64 samples or more, to compare them; the largest ones have 120 and 0.",
        ),
    ],
    ids=["nothing", "no labels", "clean", "small", "one class"],
)
def test_without_a_training_set_it_says_what_it_needs(
    detector: str, dataset: Dataset | None, reason: str
) -> None:
    evidence, _ = run(detector, dataset)

    assert (Status.SKIPPED, reason, None) == (evidence.status, evidence.reason, evidence.anomaly_index)
