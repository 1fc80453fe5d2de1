from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from gate.core.evidence import Status
from gate.detectors.class_permutation import ClassPermutation, _measurements, _share_of_one_class
from gate.detectors.inversion.permutation import Permutation, Search, search
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import Pool
from tests.detectors.contexts import context

EFFORT = Search(restarts=4, leaving=120, serving=60, images=48)
PoolOf = Callable[[Classifier], Pool]


@pytest.fixture(scope="module")
def permuting(keras: Any) -> Classifier:
    """A network of four classes in which a white corner turns class k into k + 1.

    One set of hidden units scores the classes; a second, alive only while the corner is white, scores their successors.
    """
    scores = np.random.default_rng(0).normal(size=(64, 4))
    scores -= scores.mean(axis=0)
    scores[0] = 0.0
    offset, switch = 6.0, 12.0
    hidden, head = keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4, activation="softmax")
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), hidden, head])
    kernel = np.concatenate([scores, scores], axis=1)
    kernel[0, 4:] = switch
    hidden.set_weights([kernel, np.array([offset] * 4 + [offset - switch] * 4)])
    successors = np.roll(np.eye(4), 1, axis=1)
    head.set_weights([np.concatenate([np.eye(4), 4.0 * successors]), np.zeros(4)])
    return Classifier(network)


def run(classifier: Classifier, pool: Pool, seed: int = 0) -> Permutation:
    return search(classifier, pool, EFFORT, seed, lambda done, total: None)


def test_an_all_to_all_backdoor_gives_away_its_permutation(permuting: Classifier, pool_of: PoolOf) -> None:
    found = run(permuting, pool_of(permuting))

    assert [1, 2, 3, 0] == list(found.destinations)
    assert found.agreement > 0.8
    assert found.moved >= found.agreement
    assert found.norm == pytest.approx(float(found.mask.sum()))
    assert (0, 0) == np.unravel_index(found.mask[..., 0].argmax(), (8, 8))


def test_a_clean_network_has_no_permuting_trigger(clean: Classifier, pool_of: PoolOf) -> None:
    assert run(clean, pool_of(clean)).agreement < 0.5


def test_an_all_to_one_backdoor_is_no_permutation(backdoored: Classifier, pool_of: PoolOf) -> None:
    assert run(backdoored, pool_of(backdoored)).agreement < 0.5


@pytest.mark.slow
def test_the_seed_decides_everything(permuting: Classifier, pool_of: PoolOf) -> None:
    first, again = (run(permuting, pool_of(permuting)) for _ in range(2))

    np.testing.assert_array_equal(first.mask, again.mask)
    assert first.agreement == again.agreement


@pytest.mark.slow
def test_the_detector_clears_a_clean_network(clean: Classifier) -> None:
    evidence = ClassPermutation(restarts=2, steps=30).run(context(clean))

    assert (Status.MEASURED, ()) == (evidence.status, evidence.target_labels)
    assert 0.0 <= (evidence.anomaly_index or 0.0) < 2.0
    assert evidence.trigger is not None
    assert evidence.trigger.mask_png
    assert "another class each" == evidence.trigger.destination


@pytest.mark.parametrize("classes", [3, 25])
def test_too_few_and_too_many_classes_are_skipped_with_the_reason(clean: Classifier, classes: int) -> None:
    surroundings = context(clean)
    surroundings.classifier.num_classes, before = classes, surroundings.classifier.num_classes
    evidence = ClassPermutation().run(surroundings)
    surroundings.classifier.num_classes = before

    assert Status.SKIPPED is evidence.status
    assert f"4 to 24 classes, and the model has {classes}" in evidence.reason


def test_the_full_profile_searches_twice_as_long(clean: Classifier) -> None:
    quick, full = (ClassPermutation()._effort(context(clean, is_full=full)) for full in (False, True))

    assert Search(restarts=4, leaving=120, serving=60, images=48) == quick
    assert Search(restarts=8, leaving=240, serving=120, images=48) == full


def test_the_destination_of_every_class_is_reported(permuting: Classifier, pool_of: PoolOf) -> None:
    numbers = _measurements(run(permuting, pool_of(permuting)))

    assert [(0, 1.0), (1, 2.0), (2, 3.0), (3, 0.0)] == [
        (each.label, each.value) for each in numbers if each.name == "destination"
    ]


@pytest.mark.parametrize(
    ("predictions", "share"), [([0, 0, 0, 1], 0.75), ([0, 1, 2, 3], 0.25), ([0] * 40, 0.95)]
)
def test_on_images_of_a_user_one_class_may_have_most_of_them(
    permuting: Classifier, predictions: list[int], share: float
) -> None:
    """Sending everything to one class agrees with a permutation as far as the largest class goes."""
    pool = Pool(np.zeros((len(predictions), 8, 8, 1), np.float32), np.array(predictions), "data")
    plain = context(permuting)
    given = dataclasses.replace(plain, model=dataclasses.replace(plain.model, dataset=cast("Any", object())))

    assert share == _share_of_one_class(given, pool)
    assert 0.25 == _share_of_one_class(plain, pool)


def test_large_pictures_are_skipped_for_want_of_images(keras: Any) -> None:
    layers = keras.layers
    network = keras.Sequential([keras.Input((200, 200, 1)), layers.GlobalAveragePooling2D(), layers.Dense(5)])
    room = context(Classifier(network))

    evidence = ClassPermutation().run(room)

    assert Status.SKIPPED is evidence.status
    assert "Of pictures as large as these the gate draws 32;" in evidence.reason
    assert 0.0 == ClassPermutation().passes(room).look
