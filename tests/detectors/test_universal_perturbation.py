from __future__ import annotations

import io

import numpy as np
from PIL import Image

from gate.detectors.universal_perturbation import UniversalPerturbation, _picture
from gate.models.classifier import Classifier
from tests.detectors.contexts import context

BRIEF = UniversalPerturbation(steps=60, images=16)


def test_a_planted_backdoor_stands_out(backdoored: Classifier, clean: Classifier) -> None:
    evidence = BRIEF.run(context(backdoored))

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0 > (BRIEF.run(context(clean)).anomaly_index or 0.0)
    assert evidence.trigger is not None
    assert (8, 8) == Image.open(io.BytesIO(evidence.trigger.mask_png)).size


def test_classes_without_a_faint_way_to_them_are_no_doubt(dead: Classifier) -> None:
    evidence = UniversalPerturbation(steps=3, images=4).run(context(dead))

    assert (0.0, "", None) == (evidence.anomaly_index, evidence.inconclusive, evidence.paper_statistic)


def test_the_picture_shows_where_it_darkens_and_where_it_brightens() -> None:
    delta = np.array([[[-0.2], [0.0], [0.4]]], np.float32)

    mask, pattern = _picture((delta,))

    np.testing.assert_allclose([0.2, 0.0, 0.4], mask[0, :, 0], rtol=1e-6)
    np.testing.assert_allclose([0.25, 0.5, 1.0], pattern[0, :, 0], rtol=1e-6)
