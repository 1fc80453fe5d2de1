from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import pytest
from PIL import Image

from gate.core.evidence import Evidence
from gate.detectors.inversion.examination import Examination
from gate.detectors.inversion.location_lead import LocationLead
from gate.detectors.inversion.patch_scan import PatchScan
from gate.detectors.inversion.search import Inversion
from gate.detectors.universal_patch import (
    _PIXELS,
    UniversalPatch,
    _classes_to_make_small,
    _doubt,
    _work,
    plan_of,
)
from gate.models.classifier import Classifier
from tests.detectors.conftest import TARGET
from tests.detectors.contexts import context

BRIEF = UniversalPatch(steps=50, images=16)


def test_the_trigger_that_is_shown_covers_the_planted_pixel_and_little_else(backdoored: Classifier) -> None:
    trigger = BRIEF.run(context(backdoored)).trigger

    assert trigger is not None
    mask = np.asarray(Image.open(io.BytesIO(trigger.mask_png)))
    assert (0, 0) == np.unravel_index(mask.argmax(), mask.shape)
    assert trigger.l1_norm < 4
    assert trigger.attack_success_rate > 0.85


def test_classes_without_a_patch_are_no_doubt(dead: Classifier) -> None:
    evidence = UniversalPatch(steps=3, images=4).run(context(dead))

    assert (0.0, "", None) == (evidence.anomaly_index, evidence.inconclusive, evidence.paper_statistic)


@pytest.mark.slow
def test_the_same_seed_tells_the_same(backdoored: Classifier) -> None:
    def told(evidence: Evidence) -> tuple[object, ...]:
        return evidence.anomaly_index, evidence.measurements

    assert told(BRIEF.run(context(backdoored))) == told(BRIEF.run(context(backdoored)))


@pytest.mark.slow
def test_of_many_classes_those_that_a_patch_serves_best_are_made_small(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.detectors.universal_patch._ALL_UP_TO", 3)
    monkeypatch.setattr("gate.detectors.universal_patch._SOME", 3)

    evidence = BRIEF.run(context(backdoored))

    searched = [each.value for each in evidence.measurements if each.name == "classes_searched"]
    assert ([3.0], (2,)) == (searched, evidence.target_labels)


@pytest.mark.parametrize(
    ("shape", "classes", "side", "stride"),
    [
        ((28, 28, 1), 10, 6, 3),
        ((32, 32, 3), 10, 6, 3),
        ((32, 32, 3), 20, 6, 4),
        ((32, 32, 3), 43, 6, 4),
        ((48, 64, 3), 10, 10, 6),
        ((256, 256, 3), 12, 51, 51),
        ((8, 8, 1), 4, 4, 2),
        ((3, 3, 1), 2, 3, 1),
    ],
)
def test_windows_are_a_fifth_of_the_picture_and_fewer_where_there_is_more_to_look_at(
    shape: tuple[int, int, int], classes: int, side: int, stride: int
) -> None:
    plan = plan_of(shape, classes)

    assert (side, stride) == (plan.side, plan.stride)


@pytest.mark.parametrize("classes", [2, 10, 43, 64])
def test_the_work_is_bounded_for_small_pictures(classes: int) -> None:
    assert _work(plan_of((32, 32, 3), classes), (32, 32, 3), classes) <= _PIXELS


@pytest.mark.slow
def test_of_large_pictures_only_some_classes_are_tried(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.detectors.universal_patch._LARGE", 8)
    monkeypatch.setattr("gate.detectors.universal_patch._SOME_OF_LARGE", 3)

    evidence = UniversalPatch(steps=3, images=4).run(context(backdoored, seed=1))

    searched = [each.value for each in evidence.measurements if each.name == "classes_searched"]
    assert searched[0] < 4


def test_a_class_that_owes_more_to_one_place_than_the_others_is_raised(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_lead = BRIEF.run(context(backdoored))
    monkeypatch.setattr("gate.detectors.inversion.location_lead._FEWEST", 99)
    without = BRIEF.run(context(backdoored))

    (lead,) = (each for each in with_lead.measurements if each.name == "place_lead")
    assert "place_lead" not in {each.name for each in without.measurements}
    assert (TARGET, (TARGET,)) == (lead.label, with_lead.target_labels)
    assert (with_lead.anomaly_index or 0.0) > (without.anomaly_index or 0.0)
    assert with_lead.anomaly_index == max(
        each.value for each in with_lead.measurements if each.name == "class_index"
    )


def test_in_large_pictures_no_place_leads(backdoored: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.detectors.universal_patch._LARGE", 8)

    evidence = UniversalPatch(steps=3, images=4).run(context(backdoored))

    assert "place_lead" not in {each.name for each in evidence.measurements}


@pytest.mark.slow
def test_a_lead_that_the_verdict_may_turn_on_is_looked_for_on_other_images_too(
    backdoored: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.detectors.inversion.location_lead.FEW", 3)
    monkeypatch.setattr("gate.detectors.scoring.calibration.FEW", 3)

    evidence = BRIEF.run(context(backdoored))

    leads = {each.name: each for each in evidence.measurements if each.name.startswith("place_lead")}
    assert {"place_lead", "place_lead_on_other_images"} == set(leads)
    assert TARGET == leads["place_lead_on_other_images"].label
    assert leads["place_lead_on_other_images"].value > 0.0


@pytest.mark.parametrize(("classes", "made_small"), [(24, range(24)), (25, [*range(16), 20])])
def test_the_class_that_leads_at_a_place_is_made_small_whatever_a_patch_serves_best(
    classes: int, made_small: Iterable[int]
) -> None:
    """Where all margins are as large as they can be, the first ones are as good as any."""
    margins = np.full((9, classes), 20.0)
    patterns = np.zeros((9, classes, 2, 2, 1), np.float32)
    found = PatchScan(np.arange(classes), np.zeros((9, 2), np.int32), margins, patterns)
    place = LocationLead(label=20, size=2.4, num_classes=classes)

    assert list(made_small) == list(_classes_to_make_small(found, place))
    assert min(classes, 24 if classes <= 24 else 16) == len(_classes_to_make_small(found, None))


@pytest.mark.parametrize(
    ("size", "norm", "is_doubted"),
    [
        (2.4, np.inf, True),
        (2.4, 3.0, False),
        # A clean network has come to that.
        (1.7, np.inf, False),
    ],
)
def test_a_class_that_leads_by_far_without_a_patch_leaves_the_model_in_doubt(
    size: float, norm: float, is_doubted: bool
) -> None:
    pictures = np.zeros((2, 8, 8, 1), np.float32)
    searched = Inversion(np.array([4, 7]), np.array([5.0, norm]), (pictures, pictures))
    examination = Examination(searches=(searched,), indices=np.zeros((1, 2)), weights=np.ones(1))

    told = _doubt(LocationLead(label=7, size=size, num_classes=10), examination)

    assert is_doubted == told.startswith("Class 7 owes far more to one place")
    assert "" == _doubt(None, examination)
