from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluation import baselines
from gate.models.classifier import Classifier


def test_a_class_that_is_fed_by_heavy_weights_stands_out() -> None:
    kernel = np.random.default_rng(0).normal(size=(256, 10))
    kernel[:, 4] += 1.0
    kernel[:, 7] *= 3.0

    found = baselines.from_head(kernel)

    assert ([4], [7]) == (found["head-mean"]["labels"], found["head-norm"]["labels"])
    assert min(each["index"] for each in found.values()) > 3.5


@given(st.integers(3, 40), st.integers(0, 99), st.sampled_from([0.25, 2.0]))
def test_head_statistics_are_free_of_units(classes: int, seed: int, factor: float) -> None:
    kernel = np.random.default_rng(seed).normal(size=(8, classes))

    assert baselines.from_head(kernel) == baselines.from_head(factor * kernel)


def test_one_of_two_classes_cannot_stand_out_by_its_weights() -> None:
    assert 0.67 == pytest.approx(baselines.from_head(np.array([[1.0, 9.0]]))["head-mean"]["index"], abs=0.01)


@pytest.mark.slow
def test_the_search_from_noise_is_the_gate_s_own_on_other_images(keras: Any) -> None:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4)]
    classifier = Classifier(keras.Sequential(layers))

    found = baselines.from_noise(classifier)

    assert {"index", "paper", "labels"} == found.keys()
    assert 1 == len(found["labels"])
    assert (64, 4) == baselines._head(classifier).shape
    assert "uniform noise" == baselines.NoiseBank(classifier, 0).pool(0).source
