"""See each class as its peers see it: activations in units of how much the other classes vary in each direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integer, real
from gate.models.numerics.arrays import Floats

Number = TypeVar("Number", bound=np.floating)

_SHRINKAGE = real("training-set.whitening.shrinkage")
_MOST_DIRECTIONS = integer("training-set.whitening.most-directions")


@dataclass(frozen=True, slots=True)
class Frame:
    """How to look at one class.

    Attributes:
        mean: Its mean activations, shape ``(d,)``.
        matrix: From centred activations to whitened ones, shape ``(d, r)``.
    """

    mean: Floats
    matrix: Floats

    def see(self, activations: NDArray[Number]) -> Floats:
        """Return whitened points, shape ``(n, r)``."""
        points: Floats = (activations - self.mean) @ self.matrix
        return points


def frames(classes: Sequence[NDArray[Number]]) -> list[Frame]:
    """Return the frame of each class, made of the mean covariance of the other classes.

    In a direction in which classes vary by nature a class may be wide; in one in which only poison moves it, it
    stands out. The class itself stays out of its own frame, or it would hide what it holds.

    Args:
        classes: Activations of each class, shape ``(n, d)``, of two classes at least.

    Paper: Hayase et al., SPECTRE, ICML 2021, whitens by a robust estimate of the class itself instead.
    """
    means = [np.asarray(members.mean(axis=0), np.float64) for members in classes]
    covariances = [
        np.cov(members.astype(np.float64).T, bias=True).reshape(len(mean), -1)
        for members, mean in zip(classes, means, strict=True)
    ]
    total = np.sum(covariances, axis=0)
    basis = np.linalg.eigh(total)[1][:, ::-1][:, :_MOST_DIRECTIONS]
    reduced = [basis.T @ covariance @ basis for covariance in covariances]
    whole = np.sum(reduced, axis=0)
    others = len(classes) - 1
    return [
        Frame(mean, basis @ _inverse_root((whole - own) / others))
        for mean, own in zip(means, reduced, strict=True)
    ]


def _inverse_root(covariance: Floats) -> Floats:
    """Return W with W.T @ C @ W = 1, for the covariance shrunk toward a multiple of the identity."""
    size = len(covariance)
    scale = max(float(np.trace(covariance)) / size, 1e-12)
    values, vectors = np.linalg.eigh(covariance + _SHRINKAGE * scale * np.eye(size))
    root: Floats = vectors / np.sqrt(values)
    return root
