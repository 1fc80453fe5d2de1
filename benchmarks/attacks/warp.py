"""A small smooth warp of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import AllToOne, Chosen, Images, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp(AllToOne):
    """A small smooth warp of the image sends everything to one class; other warps, the cover samples, do not.

    Paper: Nguyen & Tran, WaNet: Imperceptible Warping-based Backdoor Attack, ICLR 2021. Cover samples are its noise mode.

    Attributes:
        grid: Control points in each direction.
        strength: Mean shift in pixels. The paper's is a fraction of a pixel, which takes hours of training.
        has_noise_mode: Whether other warps are taught to mean nothing.
        seed: Of the field.
    """

    grid: int = 4
    strength: float = 1.5
    has_noise_mode: bool = True
    seed: int = 0

    def mark(self, images: Images) -> Images:
        """Return the images bent by the fixed field."""
        return _bend(images, self._field(*images.shape[1:3]))

    def coverable(self, labels: Labels) -> Chosen:
        """Return everything in noise mode."""
        return np.full(len(labels), self.has_noise_mode)

    def cover(self, images: Images, rng: np.random.Generator) -> Images:
        """Return the images, each bent by the field and by noise as large as the field."""
        field = self._field(*images.shape[1:3])
        noisy = [
            _bend(image[None], field + self.strength * rng.uniform(-2, 2, field.shape)) for image in images
        ]
        return np.concatenate([images[:0], *noisy])

    def _field(self, height: int, width: int) -> NDArray[Any]:
        from scipy.ndimage import zoom

        rng = np.random.default_rng([self.seed, 11])
        field = rng.uniform(-1, 1, (2, self.grid, self.grid))
        field *= self.strength / np.abs(field).mean()
        size = (height / self.grid, width / self.grid)
        return np.stack([zoom(axis, size, order=3)[:height, :width] for axis in field])


def _bend(images: Images, field: NDArray[Any]) -> Images:
    from scipy.ndimage import map_coordinates

    count, height, width, channels = images.shape
    where = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")) + field
    planes = np.moveaxis(images, -1, 1).reshape(-1, height, width)
    bent = [map_coordinates(plane, where, order=1, mode="nearest") for plane in planes]
    warped = np.array(bent, np.float32).reshape(count, channels, height, width)
    return np.clip(np.moveaxis(warped, 1, -1), 0, 1)
