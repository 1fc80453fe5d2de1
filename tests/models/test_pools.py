from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.job import Role
from gate.models.classifier import Classifier
from gate.models.datasets.dataset import Dataset
from gate.models.surrogates import pools as module
from gate.models.surrogates.pools import SurrogatePools
from gate.models.surrogates.selection import ranked_families

Linear = Callable[..., Any]


def known_families(classifier: Classifier) -> list[str]:
    ranked = ranked_families(classifier, 0)
    return [f"class impressions of {name}" for name, known in ranked if known >= 0.7 * ranked[0][1]][:3]


@pytest.mark.slow
def test_pools_are_the_families_that_the_network_knows_about_as_well(classifier: Classifier) -> None:
    pools = SurrogatePools(classifier, seed=0)

    sources = [pools.pool(index).source for index in range(pools.count)]

    assert known_families(classifier) == sources
    assert 1 < len(sources) <= 3


def test_families_that_the_network_hardly_knows_are_left_out(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 99)

    assert 1 < SurrogatePools(classifier, seed=0).count < len(ranked_families(classifier, 0))


def test_each_pool_is_made_once(classifier: Classifier) -> None:
    pools = SurrogatePools(classifier, seed=0)

    assert pools.pool(0) is pools.pool(0)


def test_the_users_images_come_first_and_surrogates_after_them(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FROM_DATA", 6)
    images = np.random.default_rng(0).random((9, 12, 12, 1), np.float32)
    pools = SurrogatePools(classifier, seed=0, dataset=Dataset(images, None, Role.CLEAN, "mine.npz"))

    pool = pools.pool(0)

    assert ("clean images of mine.npz", 6) == (pool.source, len(pool.images))
    assert {image.tobytes() for image in pool.images} < {image.tobytes() for image in images}
    np.testing.assert_array_equal(classifier.predict(pool.images).argmax(axis=1), pool.predictions)
    assert known_families(classifier)[0] == pools.pool(1).source
    assert len(known_families(classifier)) + 1 == pools.count


def test_even_a_network_that_always_answers_the_same_has_a_pool(linear_network: Linear) -> None:
    # Its information was once rounded to slightly less than none, and then no family was left.
    network = linear_network(0.0, shape=(50, 50, 3), classes=3, bias=0.1)

    assert SurrogatePools(Classifier(network), seed=1).count >= 1
