from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Measurement
from gate.detectors.inversion.evidence import Case, elect, reweigh, to_evidence
from gate.detectors.inversion.examination import Examination
from gate.detectors.inversion.location_lead import LocationLead
from gate.detectors.inversion.search import Inversion
from gate.detectors.inversion.triggers import Patch
from gate.detectors.universal_patch import DETECTOR
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


@pytest.fixture(scope="module")
def plain(keras: Any) -> Classifier:
    """A network of the classes that `found` speaks of, and ten before them."""
    dense = keras.layers.Dense(20, activation="softmax")
    return Classifier(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), dense]))


def examined(*searches: Inversion, indices: list[list[float]] | None = None) -> Examination:
    rows = np.zeros((len(searches), len(searches[0].labels))) if indices is None else np.array(indices)
    return Examination(searches=searches, indices=rows, weights=np.ones(len(searches)))


def told(examination: Examination, classifier: Classifier) -> Evidence:
    return to_evidence("neural-cleanse", DETECTOR.RULE, examination, Patch(), context(classifier))


def found(norms: list[float]) -> Inversion:
    pictures = np.zeros((len(norms), 4, 4, 1), np.float32)
    return Inversion(np.arange(len(norms)) + 10, np.array(norms), (pictures, pictures))


@pytest.mark.parametrize(("missing", "is_cleared"), [(0, True), (4, True), (5, False), (10, False)])
def test_more_than_two_fifths_without_a_trigger_are_too_many(
    plain: Classifier, missing: int, is_cleared: bool
) -> None:
    norms = [3.0] * (10 - missing) + [np.inf] * missing

    assert is_cleared == (told(examined(found(norms)), plain).inconclusive == "")


def test_the_measurements_count_what_was_found(plain: Classifier) -> None:
    examination = Examination(
        searches=(found([8.0, 2.0, np.inf]), found([8.0, 1.0, np.inf])),
        indices=np.array([[0.0, 1.5, 0.0], [0.0, 2.5, 0.0]]),
        weights=np.array([0.6, 0.3]),
    )

    evidence = told(examination, plain)

    numbers = {item.name: item.value for item in evidence.measurements if item.label is None}
    assert {10: 8.0, 11: 2.0} == evidence.trigger_norms
    assert 3 == evidence.classes_searched
    assert (
        numbers.items()
        >= {
            "classes_searched": 3.0,
            "classes_with_trigger": 2.0,
            "median_trigger_norm": 5.0,
            "log_ratio": pytest.approx(np.log(4.0)),
            "spread": 0.0,
            "index_on_search_images": 1.5,
            "index_on_second_images": 2.5,
        }.items()
    )


@pytest.mark.parametrize(
    ("label", "size", "leader"),
    [
        (10, 1.9, 0),  # 3.2, and reached
        (10, 1.7, 1),  # 2.8: a clean network has come to that
        (12, 1.9, 1),  # no patch of that class was found
        (17, 1.9, 1),  # that class was not searched
    ],
)
def test_a_class_that_leads_at_one_place_by_far_is_the_one_to_look_at(
    label: int, size: float, leader: int
) -> None:
    examination = Examination(
        searches=(found([8.0, 2.0, np.inf]),), indices=np.array([[0.0, 1.5, 0.0]]), weights=np.ones(1)
    )
    place = LocationLead(label=label, size=size, num_classes=10)

    assert leader == elect(examination, place)
    assert 1 == elect(examination, None)


@pytest.mark.parametrize(("norm", "is_raised"), [(2.0, True), (np.inf, False)])
def test_without_a_patch_to_show_no_lead_counts(norm: float, is_raised: bool) -> None:
    examination = Examination(
        searches=(found([norm, np.inf, np.inf]),), indices=np.zeros((1, 3)), weights=np.ones(1)
    )
    place = LocationLead(label=10, size=9.0, num_classes=10)

    case = Case(examination=examination, num_classes=10, leader=examination.leader, place=place)

    assert is_raised == bool(reweigh(case, is_local=True).any())


def test_what_a_planted_leader_s_patch_does_lowers_no_other_class() -> None:
    examination = Examination(
        searches=(found([8.0, 2.0, np.inf]),), indices=np.array([[0.0, 2.4, 0.0]]), weights=np.ones(1)
    )
    place = LocationLead(label=10, size=6.0, num_classes=3)
    leader = elect(examination, place)
    facts = (
        Measurement(name="success_of_decoys", value=0.9),
        Measurement(name="success_when_moved", value=0.9),
    )

    assert 0 == leader
    case = Case(examination=examination, num_classes=3, leader=leader, place=place, facts=facts)
    assert [0.0, 2.4, 0.0] == pytest.approx(reweigh(case, is_local=True))


@pytest.mark.parametrize(("is_local", "expected"), [(True, [1.2, 0.6]), (False, [1.8, 1.2])])
def test_a_patch_that_was_free_to_leave_its_place_loses_less_beside_it(
    is_local: bool, expected: list[float]
) -> None:
    examination = Examination(
        searches=(found([2.0, 8.0]),), indices=np.array([[2.4, 1.2]]), weights=np.ones(1)
    )
    facts = (Measurement(name="success_when_moved", value=0.8),)

    case = Case(examination=examination, num_classes=2, leader=examination.leader, facts=facts)

    assert expected == pytest.approx(reweigh(case, is_local=is_local))


@pytest.mark.slow
def test_a_class_whose_patch_comes_to_nothing_hides_no_other(keras: Any) -> None:
    """Class 1 leads at one place by far, but what is found there works anywhere; the smallest trigger, of class 2, is looked at instead."""
    dense = keras.layers.Dense(3, activation="softmax")
    network = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Flatten(), dense])
    kernel = np.zeros((1024, 3))
    kernel[:, 1], kernel[0, 2] = 1.0, 900.0
    dense.set_weights([kernel, np.array([600.0, 0.0, 0.0])])
    masks, patterns = np.zeros((3, 32, 32, 1), np.float32), np.ones((3, 32, 32, 1), np.float32)
    masks[1, 8:14, 8:14] = masks[2, 0, 0] = 1.0
    patterns[1] = 400.0  # anywhere
    examination = Examination(
        searches=(Inversion(np.arange(3), np.array([np.inf, 36.0, 1.0]), (masks, patterns)),),
        indices=np.array([[0.0, 0.0, 2.3]]),
        weights=np.ones(1),
    )
    place = LocationLead(label=1, size=9.0, num_classes=3)

    evidence = to_evidence(
        "universal-patch", DETECTOR.RULE, examination, Patch(), context(Classifier(network)), place
    )

    assert 1 == elect(examination, place)
    assert ((2,), 2.3) == (evidence.target_labels, evidence.anomaly_index)
    assert evidence.trigger is not None
    assert 2 == evidence.trigger.target_label
