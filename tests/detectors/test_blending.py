from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.detectors.training_set.blending import blend_entropy


class Scaled:
    """A classifier of three classes whose logits are the first row of pixels, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self.seen: list[Any] = []

    def predict(self, images: Any) -> Any:
        self.seen.append(images)
        return images[:, 0, :, 0] * np.float32(self.factor)


def entropy(classifier: Any, images: Any, overlays: Any) -> Any:
    return blend_entropy(classifier, np.asarray(images, np.float32), np.asarray(overlays, np.float32))


BLACK = np.zeros((4, 2, 3, 1))


def test_an_answer_of_equal_chances_has_all_the_bits() -> None:
    np.testing.assert_allclose(np.full(4, np.log2(3)), entropy(Scaled(), BLACK, BLACK), rtol=1e-6)


def test_a_certain_answer_has_none() -> None:
    certain = BLACK.copy()
    certain[:, 0, 1] = 1.0

    assert 0.0 == pytest.approx(entropy(Scaled(1e4), certain, BLACK).max())


def test_the_entropy_is_the_mean_over_the_overlays_and_not_over_the_images() -> None:
    certain = BLACK[:1].copy()
    certain[:, 0, 1] = 1.0

    found = entropy(Scaled(1e4), np.concatenate([BLACK[:1], certain]), np.concatenate([BLACK[:1], certain]))

    np.testing.assert_allclose([np.log2(3) / 2, 0.0], found, atol=1e-6)


def test_pictures_are_added_and_clipped_to_white() -> None:
    classifier = Scaled()

    entropy(classifier, BLACK + 0.7, [BLACK[0] + 0.2, BLACK[0] + 0.6])

    assert [0.9, 1.0] == pytest.approx(sorted(set(np.concatenate(classifier.seen).ravel().tolist())))


def test_more_images_than_fit_at_once_are_answered_in_their_order() -> None:
    images = np.random.default_rng(0).random((700, 2, 3, 1))
    overlays = np.random.default_rng(1).random((5, 2, 3, 1))

    together = entropy(Scaled(), images, overlays)
    alone = np.concatenate([entropy(Scaled(), image[None], overlays) for image in images])

    np.testing.assert_allclose(alone, together, rtol=1e-6)


def test_no_images_have_no_entropy() -> None:
    assert (0,) == entropy(Scaled(), BLACK[:0], BLACK).shape
