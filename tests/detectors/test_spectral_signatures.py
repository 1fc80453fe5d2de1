from __future__ import annotations

import numpy as np
import pytest

from gate.detectors.spectral_signatures import measure
from gate.models.features.activations import ClassSample


def samples(count: int, dimensions: int) -> list[ClassSample]:
    rng = np.random.default_rng(0)
    return [
        ClassSample(
            label,
            np.arange(count),
            rng.normal(size=(count, dimensions)).astype(np.float32),
            np.zeros((count, 2), np.float32),
        )
        for label in range(8)
    ]


@pytest.mark.parametrize(("count", "dimensions"), [(64, 100), (200, 50), (2000, 20)])
def test_noise_alone_is_no_stretch_however_few_samples(count: int, dimensions: int) -> None:
    variances = [stretch.variance for stretch in measure(samples(count, dimensions))]

    # Without the correction of Marchenko and Pastur, 64 samples of 100 numbers would reach 5 and more.
    assert max(variances) < 1.6


def test_the_smaller_part_is_suspect() -> None:
    classes = samples(200, 10)
    classes[3].activations[:30, 5] += 15.0

    stretch = measure(classes)[3]

    assert 0.15 == pytest.approx(stretch.share)
    np.testing.assert_array_equal(np.arange(200) < 30, stretch.score(classes[3].activations) > 0)


@pytest.mark.filterwarnings("error")
def test_classes_that_never_change_are_not_stretched() -> None:
    flat = [
        ClassSample(label, np.arange(64), np.ones((64, 3), np.float32), np.zeros((64, 2), np.float32))
        for label in (0, 1)
    ]

    assert [0.0, 0.0] == [stretch.separation for stretch in measure(flat)]
