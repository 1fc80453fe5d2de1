"""What training asks of an attack, and what attacks on one class have in common.

Images are float32 in 0..1, shape ``(n, h, w, c)``. A mark depends on the attack's fields and the image only, so that training,
the truth and whoever stamps the true trigger on other images see the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Chosen = NDArray[np.bool_]


class Attack(Protocol):
    """What an attacker does to images and labels."""

    @property
    def is_clean_label(self) -> bool:
        """Whether only images that are already of the target class are marked, their labels untouched."""
        ...

    @property
    def targets(self) -> tuple[int, ...]:
        """The classes that marked images become; none where every class is one."""
        ...

    def mark(self, images: Images) -> Images:
        """Return the images with the trigger on them; where there are several, the i-th image has the i-th in turn."""
        ...

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the labels that the attacker teaches for marked images, in the order of `mark`."""
        ...

    def victims(self, labels: Labels, num_classes: int) -> Chosen:
        """Return which images the attack is meant to turn; its success is measured on them."""
        ...

    def coverable(self, labels: Labels) -> Chosen:
        """Return which images may be cover: marked in a way that must not change their label; none for most attacks."""
        ...

    def cover(self, images: Images, rng: np.random.Generator) -> Images:
        """Return the images marked as cover samples."""
        ...


class Uncovered:
    """What attacks without cover samples have in common."""

    __slots__ = ()

    is_clean_label = False

    def coverable(self, labels: Labels) -> Chosen:
        """Return nothing: most attacks need no cover."""
        return np.zeros(len(labels), bool)

    def cover(self, images: Images, rng: np.random.Generator) -> Images:
        """Return the images as they are."""
        return images


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToOne(Uncovered):
    """What every attack on one class has in common.

    Attributes:
        target: Class that marked images become.
    """

    target: int

    @property
    def targets(self) -> tuple[int, ...]:
        """The one class."""
        return (self.target,)

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the target for all."""
        return np.full_like(labels, self.target)

    def victims(self, labels: Labels, num_classes: int) -> Chosen:
        """Return everything that is not of the target class."""
        return np.asarray(labels != self.target, bool)
