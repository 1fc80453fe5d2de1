from __future__ import annotations

import numpy as np
import pytest

from gate.core.evidence import Measurement
from gate.detectors.inversion.location_lead import LocationLead, leading
from gate.detectors.inversion.patch_scan import PatchScan

INDICES = np.array([0.0, 1.2, 0.5])


def found(margins: np.ndarray) -> PatchScan:
    places, classes = margins.shape
    patterns = np.zeros((places, classes, 2, 2, 1), np.float32)
    return PatchScan(np.arange(classes), np.zeros((places, 2), np.int32), margins, patterns)


def lead(label: int, size: float = 2.4, num_classes: int = 10) -> LocationLead:
    return LocationLead(label=label, size=size, num_classes=num_classes)


def test_the_class_that_owes_most_to_one_place_is_named() -> None:
    margins = np.zeros((9, 4))
    margins[3, 2] = 5.0

    place = leading(found(margins), 4)

    assert place is not None
    assert (2, 4) == (place.label, place.num_classes)
    assert (Measurement(name="place_lead", value=place.size, label=2),) == place.measurements


@pytest.mark.parametrize(("tried", "num_classes"), [(2, 2), (16, 43)])
def test_of_two_classes_and_of_some_of_many_none_leads(tried: int, num_classes: int) -> None:
    assert leading(found(np.eye(tried)), num_classes) is None


def test_two_questions_about_one_class_add_up_as_squares() -> None:
    assert [0.0, np.hypot(1.2, 4.0), 0.5] == pytest.approx(lead(1).weighed(INDICES, 1, 1, {}))


def test_where_another_class_leads_the_smallest_patch_counts_less() -> None:
    assert [0.0, 0.96, 0.4] == pytest.approx(lead(2).weighed(INDICES, 1, 1, {}))
    assert INDICES == pytest.approx(lead(2, num_classes=9).weighed(INDICES, 1, 1, {}))


@pytest.mark.parametrize(
    ("success", "left"),
    [
        ({"success_of_decoys": 0.25, "success_when_moved": 0.4}, 1.0),
        ({"success_of_decoys": 0.375}, 0.5),
        ({"success_when_moved": 0.5}, 0.5),
        ({"success_of_decoys": 0.375, "success_when_moved": 0.5}, 0.25),
        # A clean LeNet of ten traffic signs with a lead of 2.07: with other images it is 0.67.
        ({"success_of_decoys": 0.83, "success_when_moved": 0.46}, 0.0),
        ({"success_when_moved": 0.6}, 0.0),
    ],
)
def test_a_lead_counts_for_what_nothing_else_does_and_nowhere_else(
    success: dict[str, float], left: float
) -> None:
    weighed = lead(1).weighed(INDICES, 1, 1, success)

    assert np.hypot(1.2, 4.0 * left) == pytest.approx(weighed[1])


def test_a_lead_has_an_index_before_its_patch_is_known() -> None:
    assert 4.0 == pytest.approx(lead(1).index)


def test_decoys_say_nothing_of_a_patch_that_is_not_the_smallest() -> None:
    weighed = lead(0).weighed(INDICES, 0, 0, {"success_of_decoys": 0.9, "success_when_moved": 0.1})

    assert [4.0, 1.2, 0.5] == pytest.approx(weighed)


@pytest.mark.parametrize(
    ("size", "smallest", "overrules"), [(1.9, 1.5, True), (1.9, 1.6, False), (1.7, 0.0, False)]
)
def test_only_a_lead_that_no_clean_network_has_says_which_class_to_look_at(
    size: float, smallest: float, overrules: bool
) -> None:
    assert overrules is lead(1, size).overrules(smallest)


@pytest.mark.parametrize(
    ("elsewhere", "held"),
    [
        (None, 2.1),
        (3.0, 2.1),
        (0.7, 0.7),
        # Another class leads there.
        (-0.4, 0.0),
    ],
)
def test_what_holds_of_a_lead_is_the_least_that_any_kind_of_images_shows(
    elsewhere: float | None, held: float
) -> None:
    place = LocationLead(label=1, size=2.1, num_classes=10, elsewhere=elsewhere)

    assert lead(1, held).index == place.index
    assert lead(1, held).weighed(INDICES, 1, 1, {}) == pytest.approx(place.weighed(INDICES, 1, 1, {}))


def test_on_other_images_the_same_class_is_asked_for_whoever_leads_there() -> None:
    margins = np.zeros((9, 4))
    margins[3, 2] = 5.0
    margins[[5, 6], [0, 1]] = 9.0
    place = lead(2, 1.5, 4).beside(found(margins))

    assert place.elsewhere is not None
    assert place.elsewhere < 0.0 == place.index
    assert [
        Measurement(name="place_lead", value=1.5, label=2),
        Measurement(name="place_lead_on_other_images", value=place.elsewhere, label=2),
    ] == list(place.measurements)


@pytest.mark.parametrize(
    ("smallest", "index", "size", "is_in_question"),
    [
        (1, 1.4, 0.6, True),
        (1, 0.5, 0.6, False),
        # The smallest patch is of another class, and this lead does not say that it is the wrong one.
        (2, 1.4, 1.4, False),
        (2, 0.5, 2.8, True),
        (1, 0.0, 2.8, True),
    ],
)
def test_other_images_are_asked_only_where_the_verdict_may_turn_on_it(
    smallest: int, index: float, size: float, is_in_question: bool
) -> None:
    assert is_in_question == lead(1, size).is_in_question(smallest, index)


def test_of_few_classes_other_images_are_not_asked() -> None:
    assert not lead(1, 9.0, num_classes=9).is_in_question(1, 9.0)


def test_decoys_are_not_asked_where_other_images_have_their_say() -> None:
    place = LocationLead(label=1, size=2.4, num_classes=10, elsewhere=2.4)
    decoys = {"success_of_decoys": 0.9}

    assert np.hypot(1.2, 4.0) == pytest.approx(place.weighed(INDICES, 1, 1, decoys)[1])
    assert 1.2 == pytest.approx(lead(1).weighed(INDICES, 1, 1, decoys)[1])


@pytest.mark.parametrize(
    "place",
    [
        # Half of what a clean network may have.
        LocationLead(label=2, size=0.5, num_classes=10),
        # On other images it does not lead.
        LocationLead(label=2, size=2.4, num_classes=10, elsewhere=-0.4),
    ],
)
def test_a_lead_that_says_nothing_lowers_no_other_class(place: LocationLead) -> None:
    assert INDICES == pytest.approx(place.weighed(INDICES, 1, 1, {}))
