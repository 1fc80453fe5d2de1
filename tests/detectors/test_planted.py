from __future__ import annotations

import io

import pytest
from PIL import Image

from gate.detectors.universal_patch import UniversalPatch
from gate.detectors.universal_perturbation import UniversalPerturbation
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


@pytest.mark.parametrize(
    ("detector", "limit"),
    # In so small a picture a window holds too little for a patch to be far below it.
    [(UniversalPatch(steps=50, images=16), 1.5), (UniversalPerturbation(steps=60, images=16), 2.0)],
    ids=["patch", "perturbation"],
)
def test_a_planted_backdoor_stands_out(
    detector: UniversalPatch | UniversalPerturbation, limit: float, backdoored: Classifier, clean: Classifier
) -> None:
    evidence = detector.run(context(backdoored))

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > limit > (detector.run(context(clean)).anomaly_index or 0.0)
    assert evidence.trigger is not None
    assert (8, 8) == Image.open(io.BytesIO(evidence.trigger.mask_png)).size
