from __future__ import annotations

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
