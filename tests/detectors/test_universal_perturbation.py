from __future__ import annotations

from typing import Any

import numpy as np

from gate.core.evidence import Evidence
from gate.detectors.inversion.triggers import Perturbation
from gate.detectors.universal_perturbation import UniversalPerturbation
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


def value(evidence: Evidence, name: str) -> float:
    return next(each.value for each in evidence.measurements if each.name == name)


def test_classes_without_a_faint_way_to_them_are_no_doubt_but_all_of_them_are(
    keras: Any, dead: Classifier
) -> None:
    dense = keras.layers.Dense(4, activation="softmax")
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    kernel = np.zeros((64, 4))
    kernel[0, 2] = 40.0
    dense.set_weights([kernel, np.array([1.0, 0.0, 0.0, 0.0])])
    brief = UniversalPerturbation(steps=20, images=8)
    one_way_only = brief.run(context(Classifier(network)))
    none = brief.run(context(dead))

    assert 0.0 < value(one_way_only, "classes_with_trigger") < value(one_way_only, "classes_searched")
    assert ("", None) == (one_way_only.inconclusive, one_way_only.paper_statistic)
    assert 0.0 == none.anomaly_index
    assert "found for 0 of 4 classes only" in none.inconclusive


def test_the_picture_shows_where_it_darkens_and_where_it_brightens() -> None:
    delta = np.array([[[-0.2], [0.0], [0.4]]], np.float32)

    mask, pattern = Perturbation().picture((delta,))

    np.testing.assert_allclose([0.2, 0.0, 0.4], mask[0, :, 0], rtol=1e-6)
    np.testing.assert_allclose([0.25, 0.5, 1.0], pattern[0, :, 0], rtol=1e-6)
