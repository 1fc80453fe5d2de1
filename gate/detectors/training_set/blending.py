"""STRIP's measurement: how uncertain a network is of a picture on which other pictures are laid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gate.detectors.shared.constants import integer
from gate.models.numerics.arrays import Floats, Images

if TYPE_CHECKING:
    from gate.models.classifier import Classifier


_BLENDS_AT_ONCE = integer("training-set.blending.blends-at-once")


def blend_entropy(classifier: Classifier, images: Images, overlays: Images) -> Floats:
    """Return the mean entropy of the network's answers to each image with every overlay added to it.

    The pictures are added in the pixel domain and clipped to white, as the paper does. The entropy is over the
    classes, of one answer; some ports take it over the blends, which measures something else.

    Args:
        classifier: The network.
        images: Shape ``(n, h, w, c)``, 0..1.
        overlays: Shape ``(m, h, w, c)``, 0..1; other images, known or presumed to be clean.

    Returns:
        Bits, 0..log2(k), shape ``(n,)``; near 0 where something in the image rules whatever is laid on it.

    Paper: Gao et al., STRIP, ACSAC 2019.
    """
    at_once = max(1, _BLENDS_AT_ONCE // len(overlays))
    parts = [
        _entropies(classifier, images[i : i + at_once], overlays) for i in range(0, len(images), at_once)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _entropies(classifier: Classifier, images: Images, overlays: Images) -> Floats:
    blends = np.minimum(images[:, None] + overlays[None], np.float32(1.0))
    logits = classifier.predict(blends.reshape(-1, *images.shape[1:])).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    total = np.exp(logits).sum(axis=1, keepdims=True)
    # Entropy from logits: log total - sum p * logit; exact where p is 0.
    p = np.exp(logits) / total
    bits = (np.log(total[:, 0]) - (p * logits).sum(axis=1)) / np.log(2.0)
    means: Floats = np.maximum(bits.reshape(len(images), len(overlays)), 0.0).mean(axis=1)
    return means
