from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.evidence import Evidence, Status
from gate.core.job import Role
from gate.detectors.shared.contract import Context
from gate.detectors.strip import Strip, _suspects, boundary
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset
from gate.models.prepare import PreparedModel

CLASSES, EACH, TARGET = 6, 80, 2
POISONED = slice(TARGET * EACH, TARGET * EACH + 30)


class Bars:
    """A classifier that looks for the brightest of six columns, and obeys a white corner without doubt."""

    def predict(self, images: Any) -> Any:
        logits = 30 * images[:, :, :CLASSES, 0].mean(axis=1)
        logits[:, TARGET] += np.where(images[:, 0, CLASSES, 0] > 0.9, 500.0, 0.0)
        return logits


def training_set(
    *, poison: bool, labelled: bool = True, role: Role = Role.TRAIN, each: int = EACH
) -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(CLASSES), each)
    images = rng.uniform(0, 0.2, (len(labels), 4, CLASSES + 1, 1)).astype(np.float32)
    images[np.arange(len(labels)), :, labels] += 0.3
    if poison:
        images[POISONED, 0, CLASSES] = 1.0
    return Dataset(ImageArray(images), labels if labelled else None, role, "train.npz")


def context_of(dataset: Dataset | None, heard: list[Any]) -> Context:
    parts: dict[str, Any] = {"classifier": Bars(), "pools": None}
    return Context(
        model=PreparedModel(**parts, dataset=dataset),
        seed=0,
        is_full=False,
        progress=lambda *words: heard.append(words),
    )


def run(dataset: Dataset | None, heard: list[Any] | None = None) -> Evidence:
    return Strip().run(context_of(dataset, [] if heard is None else heard))


def test_a_clean_set_raises_no_alarm() -> None:
    evidence = run(training_set(poison=False))

    assert (evidence.anomaly_index or 0.0) < 2.0
    assert evidence.suspects is None


@pytest.mark.parametrize("labelled", [True, False])
def test_poison_that_nothing_hides_is_listed(labelled: bool) -> None:
    # Without labels the network's answers stand in, and it calls all poison the target.
    evidence = run(training_set(poison=True, labelled=labelled))

    assert evidence.suspects is not None
    assert ((TARGET,), "BD104") == (evidence.target_labels, evidence.rule)
    assert (evidence.anomaly_index or 0.0) > 2.0
    assert (evidence.paper_statistic or 0.0) > 0.3
    assert set(range(POISONED.start, POISONED.stop)) <= {each.index for each in evidence.suspects.samples}
    assert evidence.suspects.count < 40


def test_every_class_has_its_entropies_and_its_index() -> None:
    heard: list[Any] = []
    evidence = run(training_set(poison=True), heard)

    names = [item.name for item in evidence.measurements]
    assert ["boundary", *["low_entropy", "high_entropy", "index"] * CLASSES] == names
    assert ("laying images over images", 0, CLASSES, "class 0") == heard[0]


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (None, "Needs suspect images; give the training set with --data."),
        (
            training_set(poison=False, role=Role.CLEAN),
            "Needs suspect images; the data set given is a clean one.",
        ),
        (training_set(poison=False, each=20), "Needs two classes of 64 images or more, to compare them."),
    ],
)
def test_without_suspect_images_it_says_what_it_needs(dataset: Dataset | None, reason: str) -> None:
    evidence = run(dataset)

    assert (Status.SKIPPED, reason) == (evidence.status, evidence.reason)


def test_the_papers_boundary_is_passed_by_one_clean_image_in_a_hundred() -> None:
    entropies = np.random.default_rng(0).normal(2.0, 0.3, 20_000)

    assert 0.01 == pytest.approx((entropies < boundary(entropies)).mean(), abs=0.003)


def test_the_boundary_is_never_below_zero() -> None:
    assert 0.0 == boundary(np.array([0.0, 0.1, 3.0]))


def test_a_blamed_class_without_an_image_below_the_boundary_lists_none() -> None:
    dataset = training_set(poison=False)
    assert dataset.labels is not None
    overlays = dataset.images[np.arange(4)]

    assert _suspects(context_of(dataset, []), dataset.labels, 0, overlays, 0.0) is None
