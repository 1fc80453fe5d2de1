from __future__ import annotations

import numpy as np
import pytest

from gate.detectors.inversion.confirmation import confirm
from gate.detectors.inversion.local_patch import LocalPatch, Spot
from gate.detectors.inversion.search import Settings, invert
from gate.detectors.inversion.triggers import Patch, Perturbation, TriggerModel
from gate.models.classifier import Classifier
from tests.detectors.contexts import context

ALL = np.arange(4)


def facts(classifier: Classifier, form: TriggerModel) -> dict[str, float]:
    surroundings = context(classifier)
    settings = Settings(restarts=2, steps=60, images=16)
    found = invert(classifier, surroundings.pools.pool(0), form, ALL, settings, 0, lambda done, total: None)
    return {each.name: each.value for each in confirm(surroundings, form, found, int(found.norms.argmin()))}


@pytest.mark.parametrize("form", [Patch(), Perturbation()], ids=["patch", "perturbation"])
def test_a_planted_trigger_holds_elsewhere_and_others_of_its_size_do_not(
    backdoored: Classifier, form: TriggerModel
) -> None:
    found = facts(backdoored, form)

    assert found["success_on_other_images"] > 0.5
    assert found["success_in_8_bits"] > 0.5
    assert found["success_of_decoys"] < 0.5
    low, high = found["success_on_other_images_low"], found["success_on_other_images_high"]
    assert low < found["success_on_other_images"] <= high


@pytest.mark.slow
def test_a_clean_network_s_trigger_is_no_better_than_its_decoys_by_far(clean: Classifier) -> None:
    found = facts(clean, Perturbation())

    assert found["success_of_decoys"] > 0.3


def test_a_planted_patch_fails_beside_its_place(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.detectors.inversion.confirmation._MOVE", 0.25)
    window = np.full((4, 4, 1), 0.5, np.float32)

    found = facts(backdoored, LocalPatch({label: (Spot(0, 0, window),) for label in range(4)}))

    assert found["success_when_moved"] < 0.4


@pytest.mark.slow
def test_in_a_tiny_picture_nothing_is_beside_its_place(backdoored: Classifier) -> None:
    window = np.full((4, 4, 1), 0.5, np.float32)

    found = facts(backdoored, LocalPatch({label: (Spot(0, 0, window),) for label in range(4)}))

    assert "success_when_moved" not in found


@pytest.mark.parametrize(
    ("form", "is_moved"), [(Patch(), True), (Perturbation(), False)], ids=["patch", "perturbation"]
)
@pytest.mark.slow
def test_what_covers_the_picture_is_not_moved(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch, form: TriggerModel, is_moved: bool
) -> None:
    monkeypatch.setattr("gate.detectors.inversion.confirmation._MOVE", 0.25)
    monkeypatch.setattr("gate.detectors.inversion.triggers._SQUARE", 0.5)

    assert is_moved == ("success_when_moved" in facts(backdoored, form))
