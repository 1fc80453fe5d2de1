"""Choose, without data, the image families that a network knows best, and refine them to impressions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.models.numerics.arrays import Images
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.impressions import refine

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# Images of a pool, of pictures up to 40 x 40.
PROBES = 256
# Of each family, to see roughly what a network makes of it.
SOME = 96
# Draws that are kept: drawing takes longer than asking a small network, and several ask for the same.
_KEPT = 8
# Larger pictures cost more per image and need fewer of them: about the same work for each input size.
_PIXELS = PROBES * 40 * 40


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Images that stand in for a data set, with what the network says of them.

    Attributes:
        images: Shape ``(n, h, w, c)``, 0..1.
        predictions: Class of each image by the network, shape ``(n,)``.
        source: What they are, in words for the report.
    """

    images: Images
    predictions: NDArray[np.int64]
    source: str


def information(logits: NDArray[np.float32]) -> float:
    """Return how much the images tell the network apart: 0 (all alike) .. 1 (certain and evenly spread).

    The mutual information between image and class, H(mean p) - mean H(p), over log k: high only where the
    answers are both confident and diverse. It needs no labels.

    Args:
        logits: Shape ``(n, k)``.
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    p /= p.sum(axis=1, keepdims=True)
    spread = _entropy(p.mean(axis=0)) - _entropy(p).mean()
    return float(np.clip(spread / np.log(logits.shape[1]), 0.0, 1.0))


def probes(family: str, shape: tuple[int, int, int], seed: int, count: int = 0) -> Images:
    """Draw images of one family, shape ``(n, h, w, c)``, the same for the same seed; not to be written to."""
    return _drawn(family, shape, seed, count or pool_size(shape))


@lru_cache(maxsize=_KEPT)
def _drawn(family: str, shape: tuple[int, int, int], seed: int, count: int) -> Images:
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    images = FAMILIES[family](rng, count, shape)
    images.flags.writeable = False
    return images


def pool_size(shape: tuple[int, int, int]) -> int:
    """Return how many images a pool of this size holds: 256 up to 40 x 40, fewer above, 32 at least."""
    return int(np.clip(_PIXELS // (shape[0] * shape[1]), 32, PROBES))


def ranked_families(classifier: Classifier, seed: int) -> tuple[tuple[str, float], ...]:
    """Return every family with its information, the best first."""
    shape = classifier.input_shape
    scores = [(family, information(classifier.predict(probes(family, shape, seed)))) for family in FAMILIES]
    return tuple(sorted(scores, key=lambda pair: -pair[1]))


def surrogate_pool(classifier: Classifier, family: str, seed: int) -> Pool:
    """Draw a family and refine it toward all classes in turn."""
    images = probes(family, classifier.input_shape, seed)
    labels = (np.arange(len(images)) % classifier.num_classes).astype(np.int32)
    refined = refine(classifier, images, labels)
    predictions = classifier.predict(refined).argmax(axis=1)
    return Pool(refined, predictions, f"class impressions of {family}")


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    entropy: NDArray[np.float64] = -(p * np.log(p + 1e-12)).sum(axis=-1)
    return entropy
