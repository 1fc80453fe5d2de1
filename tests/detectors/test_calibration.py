from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.detectors.scoring.calibration import (
    PATCH_SCALE,
    PERTURBATION_SCALE,
    at_other_places,
    beside_decoys,
    beside_its_place,
    index_of_excess,
    index_of_place_lead,
    interaction_indices,
    is_shift,
    standing_out,
)
from gate.detectors.scoring.calibration import index_of_gap as index_on_scale
from gate.detectors.scoring.outliers import clean_limit, log_gap, spread_below


def index_of_gap(gap: float, spread: float, classes: int) -> float:
    return index_on_scale(gap, spread, classes, PATCH_SCALE)


@pytest.mark.parametrize("classes", [2, 10, 43, 1000])
def test_the_index_says_two_where_clean_models_end(classes: int) -> None:
    # The prior's spread, and the uncertainty of a median of k - 1 classes.
    limit = 0.6 * clean_limit(classes) * math.sqrt(1 + math.pi / 2 / (classes - 1))

    assert 2.0 == pytest.approx(index_of_gap(limit, 0.6, classes))


@pytest.mark.parametrize(
    ("classes", "times"), [(2, 1.4), (5, 1.4), (6, 1.32), (8, 1.16), (10, 1.0), (43, 1.0)]
)
def test_a_perturbation_of_few_classes_has_to_lead_by_more(classes: int, times: float) -> None:
    as_of_many = dataclasses.replace(PERTURBATION_SCALE, of_few=1.0)

    indices = [index_on_scale(1.0, 0.2, classes, scale) for scale in (as_of_many, PERTURBATION_SCALE)]

    assert times == pytest.approx(indices[0] / indices[1])


@pytest.mark.parametrize("classes", [5, 10, 43])
def test_few_clean_models_of_the_assumed_kind_exceed_two(classes: int) -> None:
    rng = np.random.default_rng(0)
    indices = []
    for logs in rng.normal(0.0, 0.6, (1500, classes)):
        norms, leader = np.exp(logs), int(logs.argmin())
        indices.append(index_of_gap(log_gap(norms, leader), spread_below(norms, leader), classes))

    # One in a hundred up to about 20 classes; the spread measured on more classes wavers more than the prior.
    assert (np.array(indices) > 2.0).mean() < 0.03


@given(st.floats(0, 20), st.floats(0.01, 5), st.floats(0, 3), st.integers(2, 2000))
def test_a_wider_gap_never_lowers_the_index(gap: float, more: float, spread: float, classes: int) -> None:
    index, wider = index_of_gap(gap, spread, classes), index_of_gap(gap + more, spread, classes)

    assert 0.0 <= index <= wider <= 99.0


@given(st.floats(0.1, 5), st.floats(0, 0.8), st.floats(0, 0.8), st.integers(2, 2000))
def test_classes_that_differ_more_excuse_a_wider_gap(
    gap: float, one: float, other: float, classes: int
) -> None:
    narrow, wide = sorted((one, other))

    assert index_of_gap(gap, wide, classes) <= index_of_gap(gap, narrow, classes) + 1e-9


def test_beyond_a_limit_differing_classes_excuse_nothing_more() -> None:
    assert index_of_gap(3.0, 0.8, 10) == index_of_gap(3.0, 50.0, 10)


@pytest.mark.parametrize("gap", [0.0, -1.0])
def test_a_leader_no_smaller_than_the_median_is_no_anomaly(gap: float) -> None:
    assert 0.0 == index_of_gap(gap, 0.5, 10)


def test_two_classes_can_be_told_apart() -> None:
    assert 0.0 < index_of_gap(1.0, 0.0, 2) < 2.0 < index_of_gap(4.0, 0.0, 2) < 99.0


def test_an_excess_of_agreement_counts_in_proportion() -> None:
    assert [0.0, 2.0, 4.0] == pytest.approx([index_of_excess(excess) for excess in (0.0, 0.3, 0.6)])
    # Of two clean networks of the zoo, on real test images.
    assert all(index_of_excess(excess, is_on_real_images=True) < 1.5 for excess in (0.34, 0.32))


@pytest.mark.parametrize(
    ("indices", "expected"),
    [([3.0], 3.0), ([0.0, 3.0], 3.0), ([2.5, 3.0, 0.5], 3.0), ([1.0, 2.5, 3.0, 1.6], 1.0), ([2.5] * 4, 0.0)],
)
def test_a_network_stands_out_unless_three_classes_do(indices: list[float], expected: float) -> None:
    assert expected == standing_out(np.array(indices), 10)


@pytest.mark.parametrize(
    ("searched", "num_classes", "targets", "is_seen"),
    [
        (10, 10, 2, True),
        (10, 10, 3, False),
        (43, 43, 6, True),
        (43, 43, 7, False),
        (48, 1283, 3, True),  # as many as the third public network of faces has
        (16, 1283, 3, True),
        (48, 1283, 24, False),
    ],
)
def test_of_many_classes_a_few_targets_do_not_hide_each_other(
    searched: int, num_classes: int, targets: int, is_seen: bool
) -> None:
    indices = np.full(searched, 0.3)
    indices[:targets] = 3.0

    assert is_seen == (standing_out(indices, num_classes) > 2.0)


@pytest.mark.parametrize(
    ("success", "expected"),
    [(0.0, [2.0, 1.8, 0.5]), (0.25, [2.0, 1.8, 0.5]), (0.5, [1.5, 1.5, 0.5]), (1.0, [1.5, 1.5, 0.5])],
)
def test_a_leader_whose_decoys_do_as_well_stands_out_less(success: float, expected: list[float]) -> None:
    assert pytest.approx(expected) == beside_decoys(np.array([2.0, 1.8, 0.5]), success)


@given(
    st.lists(st.floats(0, 99), min_size=2, max_size=9).map(np.array),
    st.floats(0, 1),
)
def test_decoys_neither_raise_an_index_nor_change_the_leader(indices: Any, success: float) -> None:
    lowered = beside_decoys(indices, success)

    assert (lowered <= indices).all()
    assert lowered[indices.argmax()] == lowered.max()


@pytest.mark.parametrize(
    ("lead", "classes", "expected"),
    [
        (0.0, 10, 0.0),
        (1.2, 10, 2.0),
        (1.2, 24, 2.0),
        (2.4, 25, 2.0),
        (2.4, 9, 2.0),
        (2.4, 3, 2.0),
        (1e4, 10, 99.0),
    ],
)
def test_few_classes_and_one_of_many_lead_the_others_by_more(
    lead: float, classes: int, expected: float
) -> None:
    assert expected == pytest.approx(index_of_place_lead(lead, classes))


@pytest.mark.parametrize(
    ("destinations", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], True),
        ([3, 4, 5, 6, 0, 1, 2], True),
        ([1, 2, 3, 4, 5, 0], False),  # six classes come to that by chance
        ([1, 2, 3, 4, 5, 6, 7, 9, 8, 0], False),
    ],
)
def test_a_step_that_is_the_same_for_all_classes_is_no_accident(
    destinations: list[int], expected: bool
) -> None:
    assert expected is is_shift(np.array(destinations))


def test_a_regular_permutation_needs_less_agreement() -> None:
    # The least of five seeds on a LeNet of the zoo whose digits all go to the next.
    agreement = 0.2
    excess = (agreement - 0.1) / 0.9

    assert index_of_excess(excess) < 2.0 < index_of_excess(excess, is_regular=True)


@pytest.mark.parametrize(
    ("success", "factor"), [(0.0, 1.35), (0.35 / 1.3, 1.0), (0.5, 0.7), (0.66, 0.5), (1.0, 0.5)]
)
def test_a_patch_that_does_nothing_beside_its_place_counts_more_and_one_that_does_as_well_counts_half(
    success: float, factor: float
) -> None:
    assert pytest.approx([2.0 * factor, 1.8 * factor]) == beside_its_place(np.array([2.0, 1.8]), success)


def test_what_place_and_class_have_with_each_other_alone_counts() -> None:
    rng = np.random.default_rng(0)
    # Some places count more than others, and so do some classes: that is no interaction.
    influences = np.exp(rng.normal(size=(16, 1)) + rng.normal(size=(1, 10)) + rng.normal(0, 0.3, (16, 10)))
    clean = interaction_indices([influences])
    influences[5, 3] *= 8.0
    planted = interaction_indices([influences])

    assert clean.max() < 2.0 < planted.max()
    assert (5, 3) == np.unravel_index(planted.argmax(), planted.shape)


def test_the_interaction_of_clean_tables_exceeds_two_seldom() -> None:
    rng = np.random.default_rng(1)
    largest = [
        interaction_indices(np.exp(rng.normal(0, 0.3, (3, places, classes)))).max()
        for places, classes in ((16, 43), (16, 10), (16, 3))
        for _ in range(250)
    ]

    assert 0.02 > np.mean(np.array(largest) > 2.0)


@given(st.floats(1e-6, 1e6), st.permutations(range(12)), st.permutations(range(5)))
def test_the_interaction_knows_no_unit_and_no_order(
    unit: float, places: list[int], classes: list[int]
) -> None:
    influences = np.exp(np.random.default_rng(2).normal(size=(12, 5)))

    expected = interaction_indices([influences])[np.ix_(places, classes)]
    np.testing.assert_allclose(
        expected, interaction_indices([unit * influences[np.ix_(places, classes)]]), atol=1e-9
    )


def test_what_all_tables_say_counts_more_than_what_one_says() -> None:
    tables = list(np.exp(np.random.default_rng(3).normal(0, 0.3, (3, 16, 10))))
    for each in tables:
        each[5, 3] *= 2.5

    assert interaction_indices(tables)[5, 3] > max(interaction_indices([each])[5, 3] for each in tables) * 0.9
    assert (5, 3) == np.unravel_index(interaction_indices(tables).argmax(), (16, 10))


def test_a_table_of_nothing_has_no_interaction() -> None:
    assert not interaction_indices([np.zeros((9, 4))]).any()


def test_places_without_influence_are_no_outliers() -> None:
    influences = np.ones((16, 10))
    influences[3:7] = 0.0

    assert np.isfinite(interaction_indices([influences])).all()
    assert interaction_indices([influences]).max() < 2.0


@pytest.mark.parametrize(
    ("success", "kept"), [(0.0, 1.0), (0.5, 1.0), (0.575, 0.875), (0.65, 0.75), (1.0, 0.75)]
)
def test_a_patch_of_the_whole_picture_s_search_that_does_well_beside_its_place_counts_less_and_never_more(
    success: float, kept: float
) -> None:
    assert pytest.approx([2.0 * kept, 1.0]) == at_other_places(np.array([2.0, 1.0]), success)


def test_what_is_no_number_is_no_index() -> None:
    with pytest.raises(ValueError, match="received some that are no numbers"):
        standing_out(np.array([np.nan, 5.0, 1.0, 1.0]), 4)


def test_maps_that_nobody_reads_thin_out_nothing() -> None:
    tables = list(np.exp(np.random.default_rng(0).normal(0, 0.3, (2, 16, 10))))
    dead = np.zeros((16, 10))

    np.testing.assert_array_equal(interaction_indices(tables), interaction_indices([dead, *tables, dead]))
