from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.detectors.inversion import search as searching
from gate.detectors.inversion.search import Inversion, Settings, invert
from gate.detectors.inversion.triggers import Patch, Perturbation, TriggerModel
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool

ALL = np.arange(4)
PATCH = Patch()
QUICK = Settings(restarts=2, steps=60, images=16)
PoolOf = Callable[[Classifier], Pool]


FORMS = pytest.mark.parametrize("form", [Patch(), Perturbation()], ids=["patch", "perturbation"])


def search(
    classifier: Classifier,
    pool: Pool,
    labels: np.ndarray = ALL,
    settings: Settings = QUICK,
    seed: int = 0,
    form: TriggerModel = PATCH,
) -> Inversion:
    return invert(classifier, pool, form, labels, settings, seed, lambda done, total: None)


def test_a_backdoor_is_reached_by_its_own_small_trigger(backdoored: Classifier, pool_of: PoolOf) -> None:
    pool = pool_of(backdoored)

    found = search(backdoored, pool)

    assert 2 == found.norms.argmin()
    assert found.norms[2] < 0.2 * np.median(np.delete(found.norms, 2))
    assert (0, 0) == np.unravel_index(found.triggers[0][2, ..., 0].argmax(), (8, 8))
    assert found.triggers[1][2, 0, 0, 0] > 0.5


def test_a_backdoor_is_reached_by_a_faint_perturbation(backdoored: Classifier, pool_of: PoolOf) -> None:
    found = search(backdoored, pool_of(backdoored), form=Perturbation())

    assert 2 == found.norms.argmin()
    assert (0, 0) == np.unravel_index(found.triggers[0][2, ..., 0].argmax(), (8, 8))


@FORMS
def test_every_trigger_found_works_and_measures_what_it_says(
    clean: Classifier, pool_of: PoolOf, form: TriggerModel
) -> None:
    pool = pool_of(clean)

    found = search(clean, pool, form=form)

    assert [(4, 8, 8, 1)] * len(form.depths(1)) == [trigger.shape for trigger in found.triggers]
    np.testing.assert_allclose(np.asarray(form.size(found.triggers)), found.norms, rtol=1e-4)
    for label in ALL:
        foreign = pool.images[pool.predictions != label]
        stamped = np.asarray(form.stamp(foreign, tuple(trigger[label] for trigger in found.triggers)))
        assert stamped.min() >= 0
        assert stamped.max() <= 1
        assert (clean.predict(stamped).argmax(axis=1) == label).mean() > 0.7


@pytest.mark.slow
def test_a_longer_search_never_ends_with_a_larger_trigger(clean: Classifier, pool_of: PoolOf) -> None:
    pool = pool_of(clean)

    norms = [
        search(clean, pool, settings=Settings(restarts=1, steps=n, images=8)).norms for n in (40, 50, 60)
    ]

    assert (norms[0] >= norms[1]).all()
    assert (norms[1] >= norms[2]).all()


@pytest.mark.slow
def test_the_seed_decides_everything(clean: Classifier, pool_of: PoolOf) -> None:
    settings = Settings(restarts=1, steps=20, images=8)
    first, again, other = (search(clean, pool_of(clean), settings=settings, seed=seed) for seed in (0, 0, 1))

    np.testing.assert_array_equal(first.norms, again.norms)
    for one, same, another in zip(first.triggers, again.triggers, other.triggers, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, another)


@pytest.mark.slow
def test_a_class_is_judged_alike_whichever_others_are_searched(
    clean: Classifier, pool_of: PoolOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = search(clean, pool_of(clean))

    some = search(clean, pool_of(clean), np.array([1, 3]))
    monkeypatch.setattr(searching, "_CHUNK_PIXELS", 1)
    one_by_one = search(clean, pool_of(clean))

    # Sums of another length may be rounded otherwise.
    np.testing.assert_allclose(together.norms[[1, 3]], some.norms, rtol=1e-3)
    np.testing.assert_allclose(together.norms, one_by_one.norms, rtol=1e-3)


def test_progress_counts_the_steps_of_all_chunks(
    clean: Classifier, pool_of: PoolOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_CHUNK_PIXELS", 2 * 4 * 64)
    heard: list[tuple[int, int]] = []
    settings = Settings(restarts=1, steps=3, images=4)

    invert(clean, pool_of(clean), Patch(), ALL, settings, 0, lambda done, total: heard.append((done, total)))

    assert [(done, 6) for done in range(1, 7)] == heard


def test_a_class_that_no_trigger_reaches_is_censored(dead: Classifier, pool_of: PoolOf) -> None:
    found = search(dead, pool_of(dead), settings=Settings(restarts=1, steps=5, images=8))

    assert np.isinf(found.norms).all()


def test_a_pool_smaller_than_a_batch_is_used_whole(backdoored: Classifier, pool_of: PoolOf) -> None:
    pool = pool_of(backdoored)
    few = Pool(pool.images[:9], pool.predictions[:9], "noise")

    assert np.isfinite(search(backdoored, few).norms[2])


@FORMS
def test_a_way_that_leads_over_no_numbers_ends_the_search(
    keras: Any, pool_of: PoolOf, clean: Classifier, form: TriggerModel
) -> None:
    """A pattern that is bright at two places at once overflows; what is on the way there must not be lost in silence."""
    dense = keras.layers.Dense(4, activation="softmax")
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    kernel = np.random.default_rng(0).normal(size=(64, 4))
    kernel[:, 2] = 3e37
    dense.set_weights([kernel, np.zeros(4)])

    with pytest.raises(IncompleteError, match="NaN or infinity"):
        search(Classifier(network), pool_of(clean), form=form)
