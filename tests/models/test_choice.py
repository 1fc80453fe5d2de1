from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gate.models.classifier import Classifier
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.selection import information, pool_size, probes, ranked_families, surrogate_pool

LOGITS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
    elements=st.floats(-1000, 1000, width=32),
)


@settings(deadline=None)
@given(LOGITS)
def test_information_lies_between_nothing_and_everything(logits: np.ndarray) -> None:
    assert 0.0 <= information(logits) <= 1.0


@settings(deadline=None)
@given(LOGITS, st.randoms(use_true_random=False))
def test_information_knows_neither_the_order_of_images_nor_of_classes(
    logits: np.ndarray, random: object
) -> None:
    shuffled = np.random.default_rng(random.randrange(99)).permutation(logits, axis=0)[:, ::-1]  # type: ignore[attr-defined]

    assert information(logits) == pytest.approx(information(shuffled), abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_certain_and_evenly_spread_answers_hold_all_information(classes: int) -> None:
    assert pytest.approx(1.0) == information(1000 * np.eye(classes, dtype=np.float32))


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [9.0, 0.0, 1.0], [1000.0, 0.0, 0.0]])
@pytest.mark.parametrize("count", [7, 100, 163, 256])
def test_answers_that_are_all_alike_hold_none(row: list[float], count: int) -> None:
    alike = information(np.array([row] * count, np.float32))

    assert pytest.approx(0.0, abs=1e-12) == alike
    assert alike >= 0.0


@pytest.mark.parametrize(
    ("side", "images"), [(8, 256), (32, 256), (40, 256), (80, 64), (113, 32), (224, 32), (1000, 32)]
)
def test_larger_pictures_make_smaller_pools(side: int, images: int) -> None:
    assert images == pool_size((side, side, 3))


def test_a_pool_is_as_large_as_the_pictures_allow() -> None:
    assert pool_size((80, 80, 1)) == len(probes("noise", (80, 80, 1), 0))


def test_all_families_are_ranked_best_first(classifier: Classifier) -> None:
    ranked = ranked_families(classifier, 0)

    assert set(FAMILIES) == {family for family, _ in ranked}
    assert sorted((known for _, known in ranked), reverse=True) == [known for _, known in ranked]
    assert ranked == ranked_families(classifier, 0)


def test_surrogates_are_refined_until_the_network_knows_them(classifier: Classifier) -> None:
    pool = surrogate_pool(classifier, "signs", 0)
    plain = classifier.predict(probes("signs", classifier.input_shape, 0))

    refined = classifier.predict(pool.images)

    assert information(plain) < information(refined)
    assert set(range(4)) == set(pool.predictions)
    np.testing.assert_array_equal(refined.argmax(axis=1), pool.predictions)
    assert "class impressions of signs" == pool.source
