"""With two or three classes there is hardly a median to compare with, and a build can fail all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import Evidence
from gate.core.report import Verdict
from gate.core.scan import Scan
from gate.detectors.neural_cleanse import NeuralCleanse
from gate.models.classifier import Classifier
from gate.models.surrogates.pools import SurrogatePools
from gate.models.surrogates.selection import Pool, probes
from gate.policy.judge import judge
from gate.policy.model import DetectorPolicy, PathPolicy
from tests.detectors.contexts import context

SHAPE = (8, 8, 1)
TARGET = 1
BRIEF = NeuralCleanse(restarts=1, steps=60, images=16)


@pytest.fixture(scope="module")
def network(keras: Any) -> Callable[[int, float], Classifier]:
    """Return a linear network, which one pixel on the rim may send to `TARGET` when it is white."""

    def build(classes: int, trigger: float) -> Classifier:
        dense = keras.layers.Dense(classes, activation="softmax")
        model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), dense])
        kernel = np.random.default_rng(0).normal(size=(64, classes))
        kernel -= kernel.mean(axis=0)
        kernel[0] = 0.0
        kernel[0, TARGET] = trigger
        dense.set_weights([kernel, np.zeros(classes)])
        return Classifier(model)

    return build


class Dark(SurrogatePools):
    """Noise with that pixel black, so that no image carries the trigger by chance."""

    count = 1

    def pool(self, index: int) -> Pool:
        images = probes("noise", SHAPE, index, 64).copy()
        images[:, 0, 0] = 0.0
        return Pool(images, self._classifier.predict(images).argmax(axis=1), "noise")

    def knowledge(self, index: int) -> float:
        return 1.0


def examined(classifier: Classifier) -> Evidence:
    return BRIEF.run(context(classifier, pools=Dark(classifier, 0)))


def verdict(evidence: Evidence) -> Verdict:
    artifact = Artifact(path="few.keras", sha256="0" * 64, size=1, format=ModelFormat.KERAS_ZIP)
    policy = PathPolicy(detectors=(DetectorPolicy(id="neural-cleanse"),))
    return judge(Scan(artifact=artifact, evidence=(evidence,)), policy).verdict


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_backdoor_among_few_classes_fails_the_build(
    network: Callable[[int, float], Classifier], classes: int
) -> None:
    found = examined(network(classes, 60.0))

    assert (Verdict.FAIL, (TARGET,)) == (verdict(found), found.target_labels)


def test_a_backdoor_behind_one_sigmoid_fails_the_build(keras: Any) -> None:
    dense = keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), dense])
    kernel = np.random.default_rng(0).normal(size=(64, 1))
    kernel -= kernel.mean()
    kernel[0] = 60.0
    dense.set_weights([kernel, np.zeros(1)])

    found = examined(Classifier(model))

    assert (Verdict.FAIL, (TARGET,)) == (verdict(found), found.target_labels)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_few_classes_without_a_backdoor_are_not_blamed(
    network: Callable[[int, float], Classifier], classes: int
) -> None:
    assert Verdict.FAIL is not verdict(examined(network(classes, 0.0)))
