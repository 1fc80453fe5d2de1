from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.detectors.training_set.whitening import frames


def clouds(count: int, size: int = 800, dimensions: int = 5) -> list[Any]:
    rng = np.random.default_rng(0)
    widths = np.array([9.0, 1.0, 1.0, 1.0, 0.1])[:dimensions]
    return [rng.normal(size=(size, dimensions)) * widths + 10 * number for number in range(count)]


def test_a_class_like_its_peers_is_no_wider_than_they_are() -> None:
    classes = clouds(4)

    variances = frames(classes)[0].see(classes[0]).var(axis=0)

    assert variances.max() < 1.3


def test_a_class_stands_out_where_its_peers_do_not_vary() -> None:
    classes = clouds(4)
    classes[2][:200, 4] += 8.0

    seen = [
        frame.see(members).var(axis=0).max() for frame, members in zip(frames(classes), classes, strict=True)
    ]

    assert 2 == int(np.argmax(seen))
    assert seen[2] > 5 * np.delete(seen, 2).max()


def test_the_order_of_the_classes_does_not_matter() -> None:
    classes = clouds(3)

    last = frames(classes)[2].see(classes[2])
    first = frames(classes[::-1])[0].see(classes[2])

    np.testing.assert_allclose((last**2).sum(axis=1), (first**2).sum(axis=1), rtol=1e-6)


def test_wide_activations_are_seen_in_fewer_directions() -> None:
    rng = np.random.default_rng(0)
    classes = [rng.normal(size=(70, 200)).astype(np.float32) for _ in range(2)]

    assert (70, 128) == frames(classes)[1].see(classes[1]).shape


@pytest.mark.filterwarnings("error")
def test_activations_that_never_change_stay_finite() -> None:
    assert np.isfinite(frames([np.ones((64, 3)), np.ones((64, 3))])[0].see(np.ones((2, 3)))).all()
