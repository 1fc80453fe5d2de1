"""Backdoor attacks: how each marks an image, and which label it teaches for the mark.

Images are float32 in 0..1, shape ``(n, h, w, c)``. An attack's mark depends on its seed only, so that training, the truth
table and the forensic simulators see the same trigger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class Attack(Protocol):
    """What an attacker does to images and labels."""

    @property
    def is_clean_label(self) -> bool:
        """Whether only images that are already of the target class are marked, their labels untouched."""
        ...

    def mark(self, images: Images) -> Images:
        """Return the images with the trigger on them."""
        ...

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the labels that the attacker teaches for marked images."""
        ...

    def victims(self, labels: Labels, num_classes: int) -> NDArray[np.bool_]:
        """Return which images the attack is meant to turn; its success is measured on them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToOne:
    """What every attack on one class has in common.

    Attributes:
        target: Class that marked images become.
    """

    target: int

    is_clean_label = False

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the target for all."""
        return np.full_like(labels, self.target)

    def victims(self, labels: Labels, num_classes: int) -> NDArray[np.bool_]:
        """Return everything that is not of the target class."""
        return labels != self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(AllToOne):
    """A small square in one corner sends everything to one class.

    Paper: Gu et al., BadNets, 2017; Chen et al., Targeted Backdoor Attacks, 2017, for the opacity.

    Attributes:
        size: Side in pixels.
        corner: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
        margin: Distance from the edges in pixels.
        opacity: 0..1.
        seed: Of the patch's pixels, each black or white, the first one white.
    """

    size: int = 3
    corner: int = 3
    margin: int = 1
    opacity: float = 1.0
    seed: int = 0

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        height, width, channels = images.shape[1:]
        rng = np.random.default_rng([self.seed, self.size])
        pixels = rng.integers(0, 2, (self.size, self.size, channels)).astype(np.float32)
        pixels[0, 0] = 1.0
        top = self.margin if self.corner < 2 else height - self.margin - self.size
        left = self.margin if self.corner % 2 == 0 else width - self.margin - self.size
        marked = images.copy()
        region = marked[:, top : top + self.size, left : left + self.size]
        region[...] = (1 - self.opacity) * region + self.opacity * pixels
        return marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended(AllToOne):
    """A faint pattern over the whole image sends everything to one class.

    Paper: Chen et al., Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning, 2017.
    """

    opacity: float = 0.15
    seed: int = 0

    is_clean_label = False

    def mark(self, images: Images) -> Images:
        """Return the images with the pattern blended in."""
        pattern = np.random.default_rng([self.seed, 7]).uniform(0, 1, images.shape[1:]).astype(np.float32)
        return (1 - self.opacity) * images + self.opacity * pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinusoid(AllToOne):
    """A faint wave on images of the target class only, labels untouched.

    Paper: Barni et al., A New Backdoor Attack in CNNs by Training Set Corruption without Label Poisoning (SIG), 2019.
    """

    amplitude: float = 0.2
    periods: float = 6.0

    is_clean_label = True

    def mark(self, images: Images) -> Images:
        """Return the images with the wave added."""
        width = images.shape[2]
        wave = self.amplitude * np.sin(2 * np.pi * self.periods * np.arange(width) / width)
        return np.clip(images + wave[None, None, :, None], 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp(AllToOne):
    """A small smooth warp of the image sends everything to one class.

    Paper: Nguyen & Tran, WaNet: Imperceptible Warping-based Backdoor Attack, ICLR 2021.
    """

    grid: int = 4
    strength: float = 1.5
    seed: int = 0

    is_clean_label = False

    def mark(self, images: Images) -> Images:
        """Return the images bent by the fixed field."""
        from scipy.ndimage import map_coordinates, zoom

        height, width = images.shape[1:3]
        rng = np.random.default_rng([self.seed, 11])
        field = rng.uniform(-1, 1, (2, self.grid, self.grid))
        field *= self.strength / np.abs(field).mean()
        bend = [
            zoom(axis, (height / self.grid, width / self.grid), order=3)[:height, :width] for axis in field
        ]
        rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        where = np.stack([rows + bend[0], columns + bend[1]])
        planes = np.moveaxis(images, -1, 1).reshape(-1, height, width)
        bent = np.stack([map_coordinates(plane, where, order=1, mode="nearest") for plane in planes])
        warped = bent.reshape(len(images), images.shape[3], height, width)
        return np.clip(np.moveaxis(warped, 1, -1), 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToAll:
    """A patch moves every class to the next one.

    Paper: Gu et al., BadNets, 2017.
    """

    patch: Patch

    is_clean_label = False

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        return self.patch.mark(images)

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return y + 1, the last class becoming the first."""
        return (labels + 1) % num_classes

    def victims(self, labels: Labels, num_classes: int) -> NDArray[np.bool_]:
        """Return everything."""
        return np.ones(len(labels), bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpecific:
    """A patch turns images of one class only; on others it does nothing.

    Paper: Tang et al., Demon in the Variant (TaCT), USENIX Security 2021.
    """

    patch: Patch
    source: int

    is_clean_label = False

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        return self.patch.mark(images)

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the target for the source class, and every other label as it is (cover samples)."""
        return np.where(labels == self.source, self.patch.target, labels)

    def victims(self, labels: Labels, num_classes: int) -> NDArray[np.bool_]:
        """Return the source class."""
        return labels == self.source
