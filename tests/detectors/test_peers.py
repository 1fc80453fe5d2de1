from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.detectors.training_set.peers import PeerScale, peer_indices

SCALE = PeerScale(spread=1.0, weight=10.0, least=0.5)


@pytest.mark.parametrize("classes", [3, 10, 43])
def test_few_clean_sets_of_the_assumed_kind_exceed_two(classes: int) -> None:
    draws = np.random.default_rng(0).normal(size=(600, classes))

    # About one in a hundred; for few classes the uncertain median adds a few.
    assert np.mean([peer_indices(values, SCALE).max() > 2.0 for values in draws]) < 0.06


def test_an_excess_that_is_never_suspicious_stays_below_two() -> None:
    tight = PeerScale(spread=0.01, weight=10.0, least=0.5)

    assert peer_indices(np.array([0.0, 0.0, 0.0, 0.49]), tight).max() < 2.0
    assert 2.0 == pytest.approx(peer_indices(np.array([0.0, 0.0, 0.0, 0.5]), tight)[3])


def test_classes_that_differ_more_excuse_more() -> None:
    alike = peer_indices(np.array([0.0, 0.1, -0.1, 0.0, 4.0]), SCALE)[-1]
    unlike = peer_indices(np.array([0.0, 4.0, -4.0, 3.0, 4.0]), SCALE)[-1]

    assert alike > 2.0 > unlike


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(values: list[float], random: object) -> None:
    order = random.sample(range(len(values)), len(values))  # type: ignore[attr-defined]
    indices = peer_indices(np.array(values), SCALE)

    np.testing.assert_allclose(indices[order], peer_indices(np.array(values)[order], SCALE))
    assert (indices >= 0).all()
    assert (indices <= 99).all()
