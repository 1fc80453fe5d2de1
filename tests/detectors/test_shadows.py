from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.detectors.meta.queries import Stamp
from gate.detectors.meta.shadows import Backdoor, Workshop, _fresh, draw, poisoned
from gate.models.classifier import Classifier

SHAPE = (8, 8, 1)
CLASSES = 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(2, 50))
def test_backdoors_are_drawn_from_a_wide_distribution(seed: int, classes: int) -> None:
    backdoor = draw(np.random.default_rng(seed), SHAPE, classes)

    assert 0 <= backdoor.target < classes
    assert 0.05 <= backdoor.share <= 0.5


@settings(deadline=None, max_examples=40)
@given(st.floats(0.05, 0.5), st.integers(1, 60))
def test_the_share_of_the_set_is_poisoned_and_the_original_untouched(share: float, count: int) -> None:
    images, labels = np.zeros((count, *SHAPE), np.float32), np.zeros(count, np.int64)
    stamp = Stamp(np.ones((8, 8, 1), np.float32), np.ones(SHAPE, np.float32))

    found, taught = poisoned(Backdoor(stamp, 3, share), images, labels, np.random.default_rng(0))

    assert max(1, round(share * count)) == (taught == 3).sum() == (found.mean(axis=(1, 2, 3)) == 1).sum()
    assert images.max() == labels.max() == 0


@pytest.mark.parametrize(
    ("path", "shape", "low", "high"),
    [
        ("conv/kernel", (3, 3, 4, 8), -0.24, 0.24),
        ("dense/kernel", (10, 20), -0.45, 0.45),
        ("dense/bias", (20,), 0, 0),
        ("norm/gamma", (20,), 1, 1),
        ("norm/moving_variance", (20,), 1, 1),
        ("norm/moving_mean", (20,), 0, 0),
    ],
)
def test_fresh_weights_are_as_large_as_such_weights_are(
    path: str, shape: tuple[int, ...], low: float, high: float
) -> None:
    found = _fresh(path, shape, np.random.default_rng(0))

    assert (shape, np.float32) == (found.shape, found.dtype)
    assert low <= found.min() <= found.max() <= high


@pytest.fixture(scope="module")
def classifier(keras: Any) -> Classifier:
    """Return a small network with a frozen layer, a normalisation, and a network within it."""
    frozen = keras.layers.Dense(64, name="frozen", trainable=False)
    inner = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, activation="relu")], name="inner")
    layers = [
        keras.layers.Flatten(),
        frozen,
        keras.layers.BatchNormalization(),
        inner,
        keras.layers.Dropout(0.1),
    ]
    return Classifier(keras.Sequential([keras.Input(SHAPE), *layers, keras.layers.Dense(CLASSES, "softmax")]))


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    """Return classes that are different pictures with some noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % CLASSES
    pictures = rng.random((CLASSES, *SHAPE))
    noisy = np.clip(pictures[labels] + rng.normal(0, 0.1, (400, *SHAPE)), 0, 1)
    return noisy.astype(np.float32), labels


@pytest.fixture
def workshop(classifier: Classifier, images: tuple[np.ndarray, np.ndarray]) -> Callable[[], Workshop]:
    return lambda: Workshop(classifier, *images, most=300, epochs=80, seed=3)


@pytest.mark.slow
def test_odd_shadows_learn_a_backdoor_and_even_ones_none(
    workshop: Callable[[], Workshop], classifier: Classifier
) -> None:
    frozen = [each.numpy() for each in classifier.network.get_layer("frozen").weights]
    shop = workshop()

    clean, backdoored = shop.train(0), shop.train(1)

    assert (False, True) == (clean.is_backdoored, backdoored.is_backdoored)
    assert min(clean.accuracy, backdoored.accuracy) > 0.8
    assert backdoored.success > 0.5 > clean.success == 0.0
    assert clean.names == backdoored.names
    kept = classifier.network.get_layer("frozen").weights
    assert all((one == two.numpy()).all() for one, two in zip(frozen, kept, strict=True))


@pytest.mark.slow
def test_a_shadow_does_not_depend_on_those_before_it(workshop: Callable[[], Workshop]) -> None:
    shop = workshop()
    shop.train(2)

    assert shop.train(1) == workshop().train(1)
