"""What the network makes of a training set: the activations of a random sample of each class, or of all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.models.datasets.batches import Positions
from gate.models.datasets.dataset import FEWEST
from gate.models.numerics.arrays import Images
from gate.models.numerics.streams import Stream, random_numbers

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.datasets.dataset import Dataset

Activations = NDArray[np.float32]

_PER_CLASS, _IN_ALL = 2000, 40_000
# Wider layers are projected at random to this many dimensions, which keeps distances (Johnson & Lindenstrauss 1984).
_WIDEST = 1024
_THUMBNAIL = 8
# Contrast that counts as none, of 0..1.
_FAINT = 0.05


@dataclass(frozen=True, slots=True)
class ClassSample:
    """Random members of one class.

    Attributes:
        label: The class.
        positions: Of the members in the data set, ascending, shape ``(n,)``.
        activations: Shape ``(n, d)``.
        pictures: The images at about 8 x 8 pixels, brightness and contrast evened out, shape ``(n, e)``.
    """

    label: int
    positions: Positions
    activations: Activations
    pictures: Activations

    @property
    def is_enough(self) -> bool:
        """Whether statistics of this class say something."""
        return len(self.positions) >= FEWEST


class Representations:
    """Activations of a labelled data set; memory is bounded however large the set is.

    At most 2,000 images of a class, and about 40,000 in all, are kept as a sample, made once for each layer.

    Args:
        classifier: The network, with its input range set.
        dataset: Labelled images.
        seed: Of the choice of samples.
    """

    def __init__(self, classifier: Classifier, dataset: Dataset, seed: int) -> None:
        assert dataset.labels is not None
        self._classifier, self._images, self._labels = classifier, dataset.images, dataset.labels
        self._seed = seed
        self._samples: dict[str, tuple[ClassSample, ...]] = {}

    @property
    def class_sizes(self) -> tuple[int, ...]:
        """How many images each class has, ascending."""
        return tuple(sorted(np.bincount(self._labels).tolist()))

    def samples(self, layer: str = "") -> tuple[ClassSample, ...]:
        """Return a sample of every class that has images, ascending by label.

        Args:
            layer: Name of a layer whose output to take; "" for the input of the last layer with weights.

        Raises:
            IncompleteError: There is no such layer.
        """
        if layer not in self._samples:
            self._samples[layer] = tuple(self._sampled(layer))
        return self._samples[layer]

    def members(self, label: int, layer: str = "") -> Iterator[tuple[Positions, Activations]]:
        """Yield positions and activations of all images of one class, batch by batch."""
        for positions, activations, _ in self._stream(np.flatnonzero(self._labels == label), layer):
            yield positions, activations

    def _sampled(self, layer: str) -> Iterator[ClassSample]:
        known = np.unique(self._labels)
        each = int(np.clip(_IN_ALL // len(known), FEWEST, _PER_CLASS))
        chosen = np.sort(np.concatenate([self._choose(int(label), each) for label in known]))
        parts = [(part, _thumbnails(images)) for _, part, images in self._stream(chosen, layer)]
        activations = np.concatenate([part for part, _ in parts])
        pictures = np.concatenate([part for _, part in parts])
        for label in known:
            mine = self._labels[chosen] == label
            yield ClassSample(int(label), chosen[mine], activations[mine], pictures[mine])

    def _choose(self, label: int, count: int) -> Positions:
        rng = random_numbers(self._seed, Stream.ACTIVATIONS, label)
        return rng.permutation(np.flatnonzero(self._labels == label))[:count]

    def _stream(self, positions: Positions, layer: str) -> Iterator[tuple[Positions, Activations, Images]]:
        activate = self._classifier.activation_function(layer)
        start = 0
        for images in self._images.stream(positions):
            yield positions[start : start + len(images)], _narrowed(activate(images), self._seed), images
            start += len(images)


def _narrowed(activations: Images, seed: int) -> Activations:
    width = activations.shape[1]
    if width <= _WIDEST:
        return activations
    rng = np.random.default_rng([seed, width])
    projection = rng.normal(size=(width, _WIDEST)).astype(np.float32) / np.float32(np.sqrt(_WIDEST))
    projected: Activations = activations @ projection
    return projected


def _thumbnails(images: Images) -> Activations:
    """Return what makes pictures comparable: blocks of pixels averaged, without brightness and contrast."""
    count, height, width, channels = images.shape
    down, across = max(1, height // _THUMBNAIL), max(1, width // _THUMBNAIL)
    rows, columns = height // down, width // across
    blocks = images[:, : rows * down, : columns * across].reshape(
        count, rows, down, columns, across, channels
    )
    small = blocks.mean(axis=(2, 4)).reshape(count, -1)
    small -= small.mean(axis=1, keepdims=True)
    even: Activations = small / (small.std(axis=1, keepdims=True) + _FAINT)
    return even
