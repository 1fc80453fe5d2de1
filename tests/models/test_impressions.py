from __future__ import annotations

from typing import Any

import numpy as np

from gate.models.classifier import Classifier
from gate.models.surrogates.impressions import refine
from gate.models.surrogates.selection import probes


def test_images_move_to_their_labels_and_stay_near_where_they_began(classifier: Classifier) -> None:
    images = probes("leaves", classifier.input_shape, 0, 16)
    labels = (np.arange(16) % 4).astype(np.int32)

    refined = refine(classifier, images, labels)

    np.testing.assert_array_equal(labels, classifier.predict(refined).argmax(axis=1))
    assert (images.shape, np.float32) == (refined.shape, refined.dtype)
    assert 0.0 < refined.min() < refined.max() < 1.0
    assert np.abs(refined - images).mean() < np.abs(refined - images[::-1]).mean()
    np.testing.assert_array_equal(refined, refine(classifier, images, labels))


def test_large_images_move_to_their_labels_too(keras: Any) -> None:
    layers = keras.layers
    keras.utils.set_random_seed(1)
    head = layers.Dense(4)
    network = keras.Sequential(
        [
            keras.Input((160, 160, 3)),
            layers.Conv2D(8, 5, strides=4, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            head,
        ]
    )
    images = probes("leaves", (160, 160, 3), 0, 16)
    kernel = np.random.default_rng(0).normal(size=(16, 4))
    head.set_weights([kernel, np.zeros(4)])
    answers = network.predict(images, verbose=0)
    sure = 10 / answers.std()
    head.set_weights([sure * kernel, -sure * answers.mean(axis=0)])
    classifier, labels = Classifier(network), (np.arange(16) % 4).astype(np.int32)

    refined = refine(classifier, images, labels)

    assert (classifier.predict(refined).argmax(axis=1) == labels).mean() >= 0.9
    assert np.abs(refined - images).mean() < np.abs(refined - images[::-1]).mean()
