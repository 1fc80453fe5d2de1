from __future__ import annotations

import numpy as np
import pytest

from gate.detectors.meta.fit import area, fit, held_out

NETWORKS = 40


def zoo(difference: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, truth and folds of networks of which the first feature tells the backdoored ones apart."""
    rng = np.random.default_rng(seed)
    is_bad = np.arange(NETWORKS) % 2 == 1
    features = rng.normal(size=(NETWORKS, 3))
    features[:, 0] += difference * is_bad
    return features, is_bad, np.arange(NETWORKS) // 2 % 4


def test_what_tells_them_apart_is_found() -> None:
    features, is_bad, folds = zoo(6.0)

    meta = fit(("a", "b", "c"), features, is_bad, folds, "abc")

    indices = np.array([meta.index(meta.total(each)) for each in features])
    assert meta.auc > 0.99
    assert (NETWORKS, "abc") == (meta.networks, meta.architecture)
    assert indices[~is_bad].max() < 2.0 < np.median(indices[is_bad])


def test_more_of_a_feature_never_speaks_for_a_network() -> None:
    features, is_bad, folds = zoo(-6.0)

    assert 0.0 == fit(("a", "b", "c"), features, is_bad, folds).weights[0]


def test_where_nothing_tells_them_apart_the_judge_says_so() -> None:
    aucs = [fit(("a", "b", "c"), *zoo(0.0, seed)).auc for seed in range(8)]

    assert 0.3 < np.mean(aucs) < 0.7


def test_a_network_is_judged_by_others_only() -> None:
    features, is_bad, folds = zoo(2.0)
    is_out = folds == 0

    sums = held_out(features, is_bad, folds)
    turned = np.where(is_out, ~is_bad, is_bad)

    assert sums[is_out] == pytest.approx(held_out(features, turned, folds)[is_out])


def test_a_feature_that_is_the_same_for_all_does_no_harm() -> None:
    features, is_bad, folds = zoo(6.0)
    features[:, 2] = 1.0

    assert fit(("a", "b", "c"), features, is_bad, folds).auc > 0.99


@pytest.mark.parametrize(
    ("clean", "bad", "expected"), [([0, 1], [2], 1.0), ([0, 2], [1], 0.5), ([1], [1], 0.5)]
)
def test_the_area_counts_pairs(clean: list[float], bad: list[float], expected: float) -> None:
    assert expected == area(np.array(clean), np.array(bad))
