from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gate.core.evidence import Evidence, Status
from gate.detectors._contract import Context
from gate.detectors.activation_clustering import ActivationClustering, _Split, _score, _split, _two_groups
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
    return _split(points, 0, 10, np.random.default_rng(0)).index


def training_set(*classes: Any, role: Role = Role.TRAIN, labelled: bool = True) -> Dataset:
    points = np.concatenate(classes).astype(np.float32)
    labels = np.repeat(np.arange(len(classes)), [len(points) for points in classes])
    return Dataset(points.reshape(len(points), 3, 4, 1), labels if labelled else None, role, "train.npz")


@pytest.mark.parametrize("seed", range(8))
def test_a_single_cloud_raises_no_alarm(seed: int) -> None:
    assert index(cloud(seed)) < 2.0


@pytest.mark.parametrize("seed", range(4))
def test_a_small_group_apart_raises_the_alarm(seed: int) -> None:
    split = _split(with_group(cloud(seed), 0.1, 4.0), 0, 10, np.random.default_rng(0))

    assert 0.1 == pytest.approx(split.share)
    assert split.index > 2.0


def test_two_halves_are_two_kinds_and_no_poison() -> None:
    assert 0.0 == index(with_group(cloud(0), 0.5, 6.0))


@pytest.mark.filterwarnings("error")
def test_samples_that_are_all_equal_do_not_split() -> None:
    split = _split(np.ones((40, 5)), 3, 10, np.random.default_rng(0))

    assert _Split(label=3, silhouette=0.0, share=0.5, index=0.0) == split


@pytest.mark.parametrize("position", range(4))
def test_a_single_stray_sample_among_thousands_is_measured(position: int) -> None:
    # The silhouette is read off half of the samples, and the stray one may be in the other half.
    points = np.random.default_rng(0).normal(size=(2000, 2))
    points[position] = 200.0

    silhouette, share = _two_groups(points)

    assert silhouette > 0.9
    assert 1 / 2000 == pytest.approx(share)


def test_the_poisoned_class_is_named() -> None:
    dataset = training_set(cloud(0), with_group(cloud(1), 0.15, 5.0), cloud(2, count=31))

    done = run(dataset)

    evidence = done.evidence
    assert (Status.MEASURED, (1,), "BD102") == (evidence.status, evidence.target_labels, evidence.rule)
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert {0, 1} == {measurement.label for measurement in evidence.measurements}
    assert [("clustering activations", done_, 2, f"class {done_}") for done_ in (0, 1)] == done.progress
    assert evidence == run(dataset).evidence


def test_the_evidence_names_all_suspects_the_worst_first() -> None:
    splits = [_Split(0, 0.2, 0.1, 2.5), _Split(1, 0.1, 0.2, 1.0), _Split(2, 0.5, 0.1, 7.0)]

    evidence = _score(splits)

    assert (7.0, 0.5, (2, 0)) == (evidence.anomaly_index, evidence.paper_statistic, evidence.target_labels)


def test_without_a_suspect_the_leading_class_is_named() -> None:
    evidence = _score([_Split(0, 0.2, 0.1, 0.5), _Split(1, 0.3, 0.2, 1.5)])

    assert (1.5, (1,)) == (evidence.anomaly_index, evidence.target_labels)


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (None, "Needs a labelled training set; give one with --data."),
        (training_set(cloud(0), labelled=False), "Needs labels; the data set has none."),
        (
            training_set(cloud(0), role=Role.CLEAN),
            "Needs the training set; the data set given is a clean one.",
        ),
        (training_set(cloud(0, count=31)), "No class has 32 samples or more."),
    ],
)
def test_without_a_training_set_it_says_what_it_needs(dataset: Dataset | None, reason: str) -> None:
    evidence = run(dataset).evidence

    assert (Status.SKIPPED, reason, None) == (evidence.status, evidence.reason, evidence.anomaly_index)
