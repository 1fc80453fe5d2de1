from __future__ import annotations

import numpy as np
import pytest

from gate.detectors.inversion.local_patch import LocalPatch, Spot
from gate.detectors.inversion.triggers import Patch, Perturbation, to_tanh_space

pytestmark = pytest.mark.usefixtures("keras")  # starts TensorFlow as all tests want it


def test_a_patch_replaces_what_its_mask_covers() -> None:
    images = np.full((2, 1, 3, 1), 0.8, np.float32)
    mask = np.array([[[0.0], [0.5], [1.0]]], np.float32)
    pattern = np.zeros((1, 3, 1), np.float32)

    stamped = Patch().stamp(images, (mask, pattern))

    np.testing.assert_allclose([0.8, 0.4, 0.0], stamped[1, 0, :, 0])


def test_a_perturbation_is_added_and_clipped() -> None:
    images = np.full((1, 1, 3, 1), 0.8, np.float32)
    delta = np.array([[[-1.0], [0.1], [0.5]]], np.float32)

    stamped = np.asarray(Perturbation().stamp(images, (delta,)))

    np.testing.assert_allclose([0.0, 0.9, 1.0], stamped[0, 0, :, 0], rtol=1e-6)


def test_the_size_of_a_patch_is_its_mask_in_pixels_and_of_a_perturbation_its_l2_norm() -> None:
    mask = np.full((2, 2, 2, 1), 0.25, np.float32)

    np.testing.assert_allclose([1.0, 1.0], Patch().size((mask, mask)))
    np.testing.assert_allclose([0.5, 0.5], Perturbation().size((mask,)), rtol=1e-6)


def test_a_patch_stays_within_black_and_white_wherever_adam_leads_it() -> None:
    hidden = np.array([-50.0, *to_tanh_space(np.array([0.25])), 50.0], np.float32)

    (shown,) = Patch().trigger((hidden,))

    np.testing.assert_allclose([0.0, 0.25, 1.0], shown, atol=1e-3)


def test_a_patch_shrinks_to_its_strongest_pixels() -> None:
    mask = np.array([[[1.0], [0.6], [0.4], [0.0]]], np.float32)

    smaller, pattern = Patch().shrunk((mask, mask), 0.8)

    np.testing.assert_allclose([1.0, 0.6, 0.0, 0.0], smaller[0, :, 0])
    assert pattern is mask


def test_a_perturbation_shrinks_by_fading() -> None:
    (fainter,) = Perturbation().shrunk((np.full((1, 2, 1), 0.4, np.float32),), 0.5)

    np.testing.assert_allclose([0.2, 0.2], fainter[0, :, 0])


@pytest.mark.parametrize(("spread", "has_a_place"), [(0.0, True), (2.0, True), (5.0, False)])
def test_a_patch_has_a_place_if_half_of_it_or_more_lies_together(spread: float, has_a_place: bool) -> None:
    mask = np.full((10, 20, 1), spread / 196, np.float32)
    mask[4:6, 17:19] = 0.5

    assert has_a_place == Patch().has_a_place((mask, np.zeros((10, 20, 3), np.float32)))


def test_a_perturbation_has_no_place_and_what_is_searched_in_a_window_has_one() -> None:
    everywhere = np.ones((10, 10, 1), np.float32)
    window = LocalPatch({0: (Spot(0, 0, np.zeros((2, 2, 1), np.float32)),)})

    assert not Perturbation().has_a_place((everywhere,))
    assert window.has_a_place((everywhere, everywhere))
