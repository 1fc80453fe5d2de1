from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.detectors.meta.queries import Stamp, blend, patch, stamps

shapes = st.tuples(st.integers(4, 40), st.integers(4, 40), st.sampled_from([1, 3]))
seeds = st.integers(0, 2**31)


@settings(deadline=None, max_examples=40)
@given(shapes, seeds)
def test_a_patch_is_a_small_opaque_square(shape: tuple[int, int, int], seed: int) -> None:
    stamp = patch(np.random.default_rng(seed), shape)

    covered = np.argwhere(stamp.mask[..., 0])
    height, width = covered.max(axis=0) - covered.min(axis=0) + 1
    assert height == width
    assert height * width == len(covered) == stamp.mask.sum()
    assert height <= max(1, 0.2 * min(shape[:2]) + 0.5)


@settings(deadline=None, max_examples=40)
@given(shapes, seeds)
def test_a_blend_is_faint_and_everywhere(shape: tuple[int, int, int], seed: int) -> None:
    stamp = blend(np.random.default_rng(seed), shape)

    assert (*shape[:2], 1) == stamp.mask.shape
    assert 0.1 <= stamp.mask.min() == stamp.mask.max() <= 0.3


@settings(deadline=None, max_examples=40)
@given(shapes, seeds)
def test_stamped_images_stay_images(shape: tuple[int, int, int], seed: int) -> None:
    images = np.random.default_rng(seed).random((3, *shape), np.float32)

    for stamp in stamps(seed, shape, 4, 4):
        stamped = stamp.on(images)
        assert (images.shape, np.float32) == (stamped.shape, stamped.dtype)
        assert -1e-6 <= stamped.min()
        assert stamped.max() <= 1 + 1e-6


def test_the_same_seed_draws_the_same_stamps() -> None:
    first, second = (list(stamps(5, (8, 8, 3), 3, 3)) for _ in range(2))

    assert all((one.pattern == two.pattern).all() for one, two in zip(first, second, strict=True))
    assert len({each.pattern.tobytes() for each in first}) == 6


@pytest.mark.parametrize("mask", [0.0, 0.5, 1.0])
def test_a_mask_says_how_much_of_the_pattern_is_seen(mask: float) -> None:
    stamp = Stamp(np.full((2, 2, 1), mask, np.float32), np.ones((2, 2, 1), np.float32))

    assert (mask == stamp.on(np.zeros((1, 2, 2, 1), np.float32))).all()
