"""What running means hold that clean images do not explain, and whether a trigger explains it.

    m_l = W_l (running mean - mu_l),   d_l = W_l (mean of z_l over stamped images - mean over the same unstamped)
    r_l = P_l m_l                      what is left of m_l beside the directions that clean images move in
    s_l = max(1, |r_l|^2 / rank P_l)   in units of the noise that is expected, at least
    z = sum_l <r_l, d_l> / s_l  /  sqrt(sum_l <d_l, d_l> / s_l),     rate = sum_l <r_l, d_l> / s_l  /  (sum_l <d_l, d_l> / s_l)

`mu_l` is the mean of the classes' means. `W_l` whitens by the covariance of z_l, shrunk (Ledoit and Wolf 2004), over the number of
images that both means stand for: 1/n + (1 - momentum) / (batch (1 + momentum)). `P_l` projects off the differences of classes and the
directions in which images differ most, for a training set with other shares of classes, or other pictures, moves the mean along them.
If triggered images were a share of the training set, `rate` is that share, and z is about normal otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gate.detectors.memory.normalisations import Normalisation
from gate.detectors.shared.constants import integer, reals
from gate.models.numerics.arrays import Floats, Labels

_COMPONENTS, _BATCH = integer("memory.remainder.components"), integer("memory.remainder.batch")
_MOST_NUISANCE, _SMALLEST, _LEAST_SPREAD = reals(
    "memory.remainder", "most-nuisance", "smallest", "least-spread"
)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One normalisation, seen in units of its noise.

    Attributes:
        whiten: Shape ``(c, c)``.
        nuisance: Orthonormal directions that say nothing, shape ``(c, q)``.
        remainder: What the running mean holds beside them, shape ``(c,)``.
    """

    whiten: Floats
    nuisance: Floats
    remainder: Floats

    @property
    def noise(self) -> float:
        """Square of a standard deviation of the remainder in a direction: 1 by chance, more where it is no noise of chance."""
        return max(self.mean_square(self.remainder), 1.0)

    def mean_square(self, vector: Floats) -> float:
        """Return the mean square of a vector beside the nuisance."""
        free: int = max(len(vector) - self.nuisance.shape[1], 1)
        return float(np.sum(np.square(vector))) / free

    def direction(self, shift: Floats) -> Floats:
        """Return a shift of the mean beside the nuisance, in the same units, shape ``(c,)``."""
        return _beside(self.nuisance, self.whiten @ shift)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a trigger explains what running means hold.

    Attributes:
        z: In standard deviations.
        rate: Share of the training images that had the trigger, if it does; may be negative.
        unrest: Mean square of what it leaves unexplained, of the layer in the middle: about 1 if the running means are those of clean
            images and of so many triggered ones, large where they were never settled.
    """

    z: float
    rate: float
    unrest: float


def layers_of(known: Sequence[Normalisation], inputs: Sequence[Floats], labels: Labels) -> list[Layer]:
    """Return what each normalisation holds beside what clean images explain.

    Args:
        known: The normalisations.
        inputs: Of clean images into each, each of shape ``(n, c)``.
        labels: Class of each image, shape ``(n,)``.
    """
    return [_layer(each, given, labels) for each, given in zip(known, inputs, strict=True)]


def agreement(layers: Sequence[Layer], shifts: Sequence[Floats]) -> Agreement:
    """Return how well a shift of every layer's mean, shape ``(c,)`` each, agrees with what they hold."""
    directions = [layer.direction(shift) for layer, shift in zip(layers, shifts, strict=True)]
    pairs = list(zip(layers, directions, strict=True))
    together = sum(float(layer.remainder @ each) / layer.noise for layer, each in pairs)
    length = sum(float(each @ each) / layer.noise for layer, each in pairs)
    if length < _SMALLEST:
        return Agreement(0.0, 0.0, _unrest(layers, [np.zeros_like(each) for each in directions]))
    rate = together / length
    return Agreement(together / length**0.5, rate, _unrest(layers, [rate * each for each in directions]))


def _unrest(layers: Sequence[Layer], explained: Sequence[Floats]) -> float:
    left = [layer.mean_square(layer.remainder - part) for layer, part in zip(layers, explained, strict=True)]
    return float(np.median(left))


def _layer(known: Normalisation, given: Floats, labels: Labels) -> Layer:
    of_classes = np.stack([given[labels == label].mean(axis=0) for label in np.unique(labels)])
    mean = of_classes.mean(axis=0)
    whiten = _whitening(given, known.momentum)
    widest = np.linalg.svd(given - given.mean(axis=0), full_matrices=False)[2][:_COMPONENTS]
    nuisance = _directions(np.concatenate([of_classes - mean, widest]) @ whiten.T)
    return Layer(whiten, nuisance, _beside(nuisance, whiten @ (known.mean - mean)))


def _whitening(given: Floats, momentum: float) -> Floats:
    """Return W with W C W' = 1 for the covariance C that the difference of both means has by chance."""
    from sklearn.covariance import ledoit_wolf

    spread = np.sqrt(given.var(axis=0) + _SMALLEST)
    # What no clean image wakes has a spread that is not known, and is no proof by itself.
    spread = np.maximum(spread, _LEAST_SPREAD * np.median(spread))
    correlation = ledoit_wolf((given - given.mean(axis=0)) / spread)[0]
    share = 1 / len(given) + (1 - momentum) / (_BATCH * (1 + momentum))
    values, vectors = np.linalg.eigh(share * correlation * np.outer(spread, spread))
    found: Floats = (vectors / np.sqrt(np.maximum(values, values.max() * _SMALLEST))).T
    return found


def _directions(rows: Floats) -> Floats:
    """Return an orthonormal basis of the rows' span, the most important ones first, of a part of the space at most, shape ``(c, q)``."""
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    count = int((sizes > sizes.max() * _SMALLEST).sum())
    return basis[: min(count, max(1, int(_MOST_NUISANCE * rows.shape[1])))].T


def _beside(nuisance: Floats, vector: Floats) -> Floats:
    found: Floats = vector - nuisance @ (nuisance.T @ vector)
    return found
