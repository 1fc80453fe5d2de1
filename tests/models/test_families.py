from __future__ import annotations

import numpy as np
import pytest

from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.selection import probes

SHAPES = [(12, 12, 1), (9, 14, 3), (33, 8, 1), (3, 3, 3)]
each_family = pytest.mark.parametrize("family", FAMILIES)


@each_family
@pytest.mark.parametrize("shape", SHAPES)
def test_images_have_the_wanted_shape_and_stay_within_black_and_white(
    family: str, shape: tuple[int, int, int]
) -> None:
    images = FAMILIES[family](np.random.default_rng(0), 5, shape)

    assert ((5, *shape), np.float32) == (images.shape, images.dtype)
    assert 0.0 <= images.min() < images.max() <= 1.0


@each_family
def test_the_same_seed_draws_the_same_images(family: str) -> None:
    first, again, other = (probes(family, (10, 11, 3), seed, 4) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@each_family
def test_no_two_images_are_alike(family: str) -> None:
    images = probes(family, (16, 16, 1), 0, 20)

    assert 20 == len(np.unique(images.reshape(20, -1), axis=0))


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"strokes"}))
def test_colour_images_have_colour(family: str) -> None:
    images = probes(family, (16, 16, 3), 0, 8)

    assert np.abs(images[..., 0] - images[..., 2]).max() > 0.1


def test_strokes_are_white_on_black() -> None:
    images = probes("strokes", (28, 28, 1), 0, 20)

    assert images.mean() < 0.3
    assert (images.max(axis=(1, 2, 3)) > 0.9).all()
    assert (images[:, 0, 0] == 0).all()


def test_fields_are_stretched_to_the_full_range() -> None:
    images = probes("fields", (12, 12, 3), 0, 8)

    np.testing.assert_allclose(0.0, images.min(axis=(1, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(1.0, images.max(axis=(1, 2, 3)), atol=1e-6)
