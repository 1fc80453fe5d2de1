from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.detectors.activation_clustering import _silhouette, _two_groups, measure
from gate.models.features.activations import ClassSample


def sample(label: int, activations: Any, pictures: Any) -> ClassSample:
    positions = np.arange(label * 1000, label * 1000 + len(activations))
    return ClassSample(label, positions, activations.astype(np.float32), pictures.astype(np.float32))


def split_of(pictures_of_the_group: float) -> Any:
    """Split a class of which a third lies apart, with pictures of its own class (0) or of another (9)."""
    rng = np.random.default_rng(0)
    activations = rng.normal(size=(2, 150, 6))
    activations[0, :50, 2] += 12
    pictures = rng.normal(size=(2, 150, 4))
    pictures[1] += 9
    pictures[0, :50] += pictures_of_the_group
    return measure([sample(label, activations[label], pictures[label]) for label in (0, 1)], 10)[0]


def test_a_group_that_looks_like_its_class_is_half_the_evidence() -> None:
    alike, foreign = split_of(0.0), split_of(9.0)

    assert alike.separation == pytest.approx(foreign.separation, abs=0.01)
    assert 1 / 3 == pytest.approx(foreign.share)
    assert foreign.disagreement > 1.0 > 0.2 > alike.disagreement
    assert foreign.statistic > alike.statistic


def test_the_silhouette_says_how_clear_the_split_is() -> None:
    assert 0.5 < split_of(0.0).silhouette <= 1.0


@pytest.mark.filterwarnings("error")
def test_points_that_are_all_equal_do_not_split() -> None:
    points = np.ones((40, 5))

    groups, centres = _two_groups(points)

    assert (20, 0.0, 0.0) == (groups.sum(), np.abs(centres).max(), _silhouette(points, groups))


def test_a_handful_of_strays_is_not_mistaken_for_a_group() -> None:
    points = np.random.default_rng(0).normal(size=(300, 3)) * [3.0, 1.0, 1.0]
    points[:2, 2] = 25.0

    groups, _ = _two_groups(points)

    assert 0.3 < groups.mean() < 0.7
