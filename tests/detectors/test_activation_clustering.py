from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from gate.core.evidence import Evidence, Status
from gate.detectors._contract import Context
from gate.detectors.activation_clustering import (
    _FEWEST,
    ActivationClustering,
    _indices,
    _score,
    _Split,
    _split,
    _two_groups,
)
from gate.models.datasets import Dataset, Role


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep the many tiny clusterings from waiting for each other's threads."""
    with threadpool_limits(1):
        yield


class Transparent:
    """A classifier whose activations are the pixels."""

    def activations(self, images: Any) -> Any:
        return images.reshape(len(images), -1)


@dataclass
class Run:
    """A run of the detector on points that stand for activations, and what it told of its progress."""

    evidence: Evidence
    progress: list[tuple[str, int, int, str]]


def run(dataset: Dataset | None, seed: int = 0) -> Run:
    progress: list[tuple[str, int, int, str]] = []
    parts: dict[str, Any] = {"classifier": Transparent(), "bank": None}
    context = Context(
        **parts, dataset=dataset, seed=seed, is_full=False, progress=lambda *told: progress.append(told)
    )
    return Run(ActivationClustering().run(context), progress)


def cloud(seed: int, count: int = 80, dimensions: int = 12) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dimensions)) * rng.uniform(0.3, 2.0, dimensions)


def with_group(points: Any, share: float, distance: float) -> Any:
    moved = points.copy()
    moved[: int(share * len(points))] += distance
    return moved


def index(points: Any) -> float:
    return _indices([_split(points, 0, 10, np.random.default_rng(0))])[0]


def training_set(*classes: Any, role: Role = Role.TRAIN, labelled: bool = True) -> Dataset:
    points = np.concatenate(classes).astype(np.float32)
    labels = np.repeat(np.arange(len(classes)), [len(points) for points in classes])
    return Dataset(points.reshape(len(points), 3, 4, 1), labels if labelled else None, role, "train.npz")


@pytest.mark.parametrize("seed", range(8))
def test_a_single_cloud_raises_no_alarm(seed: int) -> None:
    assert index(cloud(seed)) < 2.0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_group_apart_raises_the_alarm_however_large(share: float) -> None:
    points = with_group(cloud(0), share, 4.0)

    assert share == pytest.approx(_split(points, 0, 10, np.random.default_rng(0)).share)
    assert index(points) > 2.0


@pytest.mark.filterwarnings("error")
def test_samples_that_are_all_equal_do_not_split() -> None:
    split = _split(np.ones((40, 5)), 3, 10, np.random.default_rng(0))

    assert _Split(label=3, silhouette=0.0, share=0.5, excess=0.0, noise=0.0) == split


@pytest.mark.parametrize("position", range(4))
def test_a_single_stray_sample_among_thousands_is_measured(position: int) -> None:
    # The silhouette is read off half of the samples, and the stray one may be in the other half.
    points = np.random.default_rng(0).normal(size=(2000, 2))
    points[position] = 200.0

    silhouette, share = _two_groups(points)

    assert silhouette > 0.9
    assert 1 / 2000 == pytest.approx(share)


def test_the_poisoned_class_is_named() -> None:
    dataset = training_set(cloud(0), with_group(cloud(1), 0.15, 5.0), cloud(2, count=_FEWEST - 1))

    done = run(dataset)

    evidence = done.evidence
    assert (Status.MEASURED, (1,), "BD102") == (evidence.status, evidence.target_labels, evidence.rule)
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert {0, 1} == {measurement.label for measurement in evidence.measurements}
    assert [("clustering activations", done_, 2, f"class {done_}") for done_ in (0, 1)] == done.progress
    assert evidence == run(dataset).evidence


def split_of(label: int, excess: float, noise: float = 0.0) -> _Split:
    return _Split(label=label, silhouette=excess + 0.1, share=0.2, excess=excess, noise=noise)


@pytest.mark.parametrize(
    ("excess", "noise", "expected"),
    [(0.13, 0.0, 2.0), (0.065, 0.0, 1.0), (0.3, 0.1, 2.0), (-0.5, 0.0, 0.0), (50.0, 0.0, 99.0)],
)
def test_the_index_says_two_where_a_single_cloud_ends(excess: float, noise: float, expected: float) -> None:
    assert [expected] == pytest.approx(_indices([split_of(0, excess, noise)]))


def test_a_class_that_splits_like_all_the_others_is_usual() -> None:
    alike, apart = [split_of(label, 0.3) for label in range(9)], split_of(9, 0.7)

    *usual, unusual = _indices([*alike, apart])

    assert max(usual) < 2.0 < unusual


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(excesses: list[float], random: Any) -> None:
    splits = [split_of(label, excess) for label, excess in enumerate(excesses)]
    shuffled = random.sample(splits, len(splits))

    indices = dict(zip(shuffled, _indices(shuffled), strict=True))

    assert _indices(splits) == pytest.approx([indices[split] for split in splits])


def test_the_evidence_names_all_suspects_the_worst_first() -> None:
    excesses = [0.5, *[0.0] * 9, 0.9]

    evidence = _score([split_of(label, excess) for label, excess in enumerate(excesses)])

    assert ((10, 0), 1.0) == (evidence.target_labels, evidence.paper_statistic)
    assert evidence.anomaly_index == max(item.value for item in evidence.measurements if item.name == "index")


def test_without_a_suspect_the_leading_class_is_named() -> None:
    evidence = _score([split_of(0, 0.02), split_of(1, 0.05)])

    assert (1,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) < 2.0


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (None, "Needs a labelled training set; give one with --data."),
        (training_set(cloud(0), labelled=False), "Needs labels; the data set has none."),
        (
            training_set(cloud(0), role=Role.CLEAN),
            "Needs the training set; the data set given is a clean one.",
        ),
        (training_set(cloud(0, count=_FEWEST - 1)), f"No class has {_FEWEST} samples or more."),
    ],
)
def test_without_a_training_set_it_says_what_it_needs(dataset: Dataset | None, reason: str) -> None:
    evidence = run(dataset).evidence

    assert (Status.SKIPPED, reason, None) == (evidence.status, evidence.reason, evidence.anomaly_index)
