from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.job import Role
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset
from gate.models.features import activations as representations
from gate.models.features.activations import Representations


class Flat:
    """A classifier whose activations are its pixels, and that counts how many images it was shown."""

    shown = 0

    def activation_function(self, layer: str) -> Callable[[Any], Any]:
        def activate(images: Any) -> Any:
            self.shown += len(images)
            return images.reshape(len(images), -1) + float(layer or 0)

        return activate


def known(counts: tuple[int, ...], seed: int = 0) -> tuple[Representations, Any, Any, Flat]:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    images = np.random.default_rng(2).random((len(labels), 16, 16, 1), np.float32)
    classifier: Any = Flat()
    dataset = Dataset(ImageArray(images), labels, Role.TRAIN, "")
    return Representations(classifier, dataset, seed), images, labels, classifier


def test_every_class_has_a_sample_of_its_own_images() -> None:
    found, images, labels, _ = known((5, 0, 70))

    samples = found.samples()

    assert [(0, 5, False), (2, 70, True)] == [(s.label, len(s.positions), s.is_enough) for s in samples]
    assert (0, 5, 70) == found.class_sizes
    for sample in samples:
        assert {sample.label} == set(labels[sample.positions])
        np.testing.assert_array_equal(images[sample.positions].reshape(-1, 256), sample.activations)


def test_of_large_classes_a_random_part_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representations, "_PER_CLASS", 80)
    first, again, other = (known((300, 300), seed)[0].samples()[0].positions for seed in (0, 0, 1))

    assert 80 == len(first)
    assert list(first) == list(again) != list(other)
    assert sorted(first) == list(first)


def test_many_classes_share_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representations, "_IN_ALL", 200)

    assert [100, 100] == [len(sample.positions) for sample in known((150, 150))[0].samples()]


def test_each_layer_is_asked_once() -> None:
    found, _, _, classifier = known((70, 70))

    assert found.samples() is found.samples()
    assert 1.0 == pytest.approx(
        float((found.samples("1")[0].activations - found.samples()[0].activations).mean())
    )
    assert 280 == classifier.shown


def test_all_members_of_a_class_are_streamed() -> None:
    found, images, labels, _ = known((600, 20))

    parts = list(found.members(0))

    assert all(len(positions) == len(activations) <= 256 for positions, activations in parts)
    positions = np.concatenate([part for part, _ in parts])
    np.testing.assert_array_equal(np.flatnonzero(labels == 0), positions)
    np.testing.assert_array_equal(images[positions][:, 0, 0, 0], np.concatenate([a for _, a in parts])[:, 0])


def test_wide_layers_are_narrowed_and_keep_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = known((70, 70))[0].samples()[0].activations
    monkeypatch.setattr(representations, "_WIDEST", 200)

    narrow = known((70, 70))[0].samples()[0].activations

    assert 200 == narrow.shape[1]
    ratios = np.linalg.norm(narrow[1:] - narrow[0], axis=1) / np.linalg.norm(wide[1:] - wide[0], axis=1)
    assert 0.8 < ratios.min() < ratios.max() < 1.2


def test_pictures_are_compared_without_brightness_and_contrast() -> None:
    images = np.random.default_rng(0).random((70, 16, 16, 3), np.float32) * 0.2
    images = np.concatenate([images, images * 4 + 0.1])
    classifier: Any = Flat()
    dataset = Dataset(ImageArray(images), np.zeros(140, np.int64), Role.TRAIN, "")

    pictures = Representations(classifier, dataset, 0).samples()[0].pictures

    assert (140, 8 * 8 * 3) == pictures.shape
    assert np.corrcoef(pictures[0], pictures[70])[0, 1] > 0.999


def test_a_picture_of_one_colour_has_no_contrast() -> None:
    classifier: Any = Flat()
    dataset = Dataset(
        ImageArray(np.full((3, 5, 7, 1), 0.5, np.float32)), np.zeros(3, np.int64), Role.TRAIN, ""
    )

    assert 0.0 == np.abs(Representations(classifier, dataset, 0).samples()[0].pictures).max()
