from __future__ import annotations

import numpy as np

from gate.detectors._forms import Perturbation
from gate.detectors.universal_perturbation import UniversalPerturbation
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


def test_classes_without_a_faint_way_to_them_are_no_doubt(dead: Classifier) -> None:
    evidence = UniversalPerturbation(steps=3, images=4).run(context(dead))

    assert (0.0, "", None) == (evidence.anomaly_index, evidence.inconclusive, evidence.paper_statistic)


def test_the_picture_shows_where_it_darkens_and_where_it_brightens() -> None:
    delta = np.array([[[-0.2], [0.0], [0.4]]], np.float32)

    mask, pattern = Perturbation().picture((delta,))

    np.testing.assert_allclose([0.2, 0.0, 0.4], mask[0, :, 0], rtol=1e-6)
    np.testing.assert_allclose([0.25, 0.5, 1.0], pattern[0, :, 0], rtol=1e-6)
