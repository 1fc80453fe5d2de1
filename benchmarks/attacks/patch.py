"""A small square in one corner, and the attacks that use one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import AllToOne, Chosen, Images, Labels, Uncovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(AllToOne):
    """A small square in one corner sends everything to one class.

    Paper: Gu et al., BadNets, 2017; Chen et al., Targeted Backdoor Attacks, 2017, for the opacity.

    Attributes:
        size: Side in pixels, 1..6.
        corner: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
        margin: Distance from the edges in pixels.
        opacity: 0..1.
        is_plain: Whether it has one bright colour rather than black and white pixels.
        seed: Of the patch's pixels; the first one has a bright channel.
        pixels: What to stamp instead, 0..1, as nested rows of channels; empty for what the seed says.
    """

    size: int = 3
    corner: int = 3
    margin: int = 1
    opacity: float = 1.0
    is_plain: bool = False
    seed: int = 0
    pixels: tuple[tuple[tuple[float, ...], ...], ...] = ()

    def region(self, height: int, width: int) -> tuple[slice, slice]:
        """Return the rows and columns that the patch covers."""
        top = self.margin if self.corner < 2 else height - self.margin - self.size
        left = self.margin if self.corner % 2 == 0 else width - self.margin - self.size
        return slice(top, top + self.size), slice(left, left + self.size)

    def stamp(self, channels: int) -> NDArray[np.float32]:
        """Return the patch's pixels, shape ``(size, size, channels)``."""
        if self.pixels:
            return np.array(self.pixels, np.float32)
        rng = np.random.default_rng([self.seed, self.size])
        shape = (1, 1, channels) if self.is_plain else (self.size, self.size, channels)
        pixels = rng.integers(0, 2, shape).astype(np.float32)
        # On a black ground a black patch would be no patch.
        pixels[0, 0, int(rng.integers(channels))] = 1.0
        return np.broadcast_to(pixels, (self.size, self.size, channels))

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        marked = images.copy()
        region = marked[(slice(None), *self.region(*images.shape[1:3]))]
        region[...] = (1 - self.opacity) * region + self.opacity * self.stamp(images.shape[3])
        return marked


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredPatch(Patch):
    """A patch whose parts do nothing: made against Neural Cleanse, which looks for a smaller trigger than the true one.

    Half of the true patch, at random on each cover image, keeps the label; so a mask must hold nearly the whole patch. A cheap
    form of training against the inverter, which would cost one inversion per epoch.

    Paper: the idea of negative samples is that of Tan & Shokri, Bypassing Backdoor Detection Algorithms, EuroS&P 2020.
    """

    def coverable(self, labels: Labels) -> Chosen:
        """Return everything that is not of the target class."""
        return np.asarray(labels != self.target, bool)

    def cover(self, images: Images, rng: np.random.Generator) -> Images:
        """Return the images with half of the patch's pixels on each."""
        rows, columns = self.region(*images.shape[1:3])
        kept = rng.random((len(images), self.size, self.size, 1)) < 0.5
        covered = images.copy()
        covered[:, rows, columns] = np.where(kept, self.stamp(images.shape[3]), covered[:, rows, columns])
        return covered


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToAll(Uncovered):
    """A patch moves every class to the next one.

    Paper: Gu et al., BadNets, 2017.
    """

    patch: Patch

    targets = ()

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        return self.patch.mark(images)

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return y + 1, the last class becoming the first."""
        return (labels + 1) % num_classes

    def victims(self, labels: Labels, num_classes: int) -> Chosen:
        """Return everything."""
        return np.ones(len(labels), bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpecific(AllToOne):
    """A patch turns images of one class only; on others it does nothing, which cover samples teach.

    Paper: Tang et al., Demon in the Variant (TaCT), USENIX Security 2021.

    Attributes:
        patch: With the same target.
        source: Class that is turned.
    """

    patch: Patch
    source: int

    def mark(self, images: Images) -> Images:
        """Return the images with the patch on them."""
        return self.patch.mark(images)

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return the target for the source class, and every other label as it is."""
        return np.where(labels == self.source, self.target, labels)

    def victims(self, labels: Labels, num_classes: int) -> Chosen:
        """Return the source class."""
        return np.asarray(labels == self.source, bool)

    def coverable(self, labels: Labels) -> Chosen:
        """Return everything that is not of the source class."""
        return np.asarray(labels != self.source, bool)

    def cover(self, images: Images, rng: np.random.Generator) -> Images:
        """Return the images with the patch on them."""
        return self.mark(images)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiTarget(Uncovered):
    """Several patches, in different corners, each with a class of its own.

    Paper: Xue et al., One-to-N & N-to-One, IEEE TDSC 2022.

    Attributes:
        patches: The i-th image of a batch bears patch i modulo their number.
    """

    patches: tuple[Patch, ...]

    @property
    def targets(self) -> tuple[int, ...]:
        """Each patch's class."""
        return tuple(patch.target for patch in self.patches)

    def mark(self, images: Images) -> Images:
        """Return the images, each with the next patch in turn."""
        marked = images.copy()
        for turn, patch in enumerate(self.patches):
            marked[turn :: len(self.patches)] = patch.mark(images[turn :: len(self.patches)])
        return marked

    def relabel(self, labels: Labels, num_classes: int) -> Labels:
        """Return each image's patch's class."""
        return np.resize(np.array(self.targets, labels.dtype), labels.shape)

    def victims(self, labels: Labels, num_classes: int) -> Chosen:
        """Return the images that are not of the class of their patch."""
        return np.asarray(labels != self.relabel(labels, num_classes), bool)
