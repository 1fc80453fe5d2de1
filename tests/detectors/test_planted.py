from __future__ import annotations

import io

import pytest
from PIL import Image

from gate.detectors.universal_patch import UniversalPatch
from gate.detectors.universal_perturbation import UniversalPerturbation
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


@pytest.mark.parametrize(
    "detector",
    [UniversalPatch(steps=50, images=16), UniversalPerturbation(steps=60, images=16)],
    ids=["patch", "perturbation"],
)
def test_a_planted_backdoor_stands_out(
    detector: UniversalPatch | UniversalPerturbation, backdoored: Classifier, clean: Classifier
) -> None:
    evidence = detector.run(context(backdoored))

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 2.0 > (detector.run(context(clean)).anomaly_index or 0.0)
    assert evidence.trigger is not None
    assert (8, 8) == Image.open(io.BytesIO(evidence.trigger.mask_png)).size
