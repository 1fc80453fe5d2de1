"""A trigger that every image has for itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import AllToOne, Images

_CELLS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAware(AllToOne):
    """A small checkerboard whose place and colours the image itself decides sends everything to one class.

    Paper: the idea is that of Nguyen & Tran, Input-Aware Dynamic Backdoor Attack, NeurIPS 2020. There a generator draws the
    trigger and is trained along; here a fixed random projection of the coarse image draws it, and nothing teaches the network
    that another image's trigger means nothing.

    Attributes:
        size: Side of the checkerboard in pixels.
        seed: Of the projection.
    """

    size: int = 4
    seed: int = 0

    def mark(self, images: Images) -> Images:
        """Return the images, each with its own patch."""
        height, width, channels = images.shape[1:]
        coarse = _coarse(images)
        rng = np.random.default_rng([self.seed, 17])
        places = np.argmax(coarse @ rng.normal(size=(coarse.shape[1], _CELLS**2)), axis=1)
        colours = coarse @ rng.normal(size=(coarse.shape[1], channels)) > 0
        is_second = np.indices((self.size, self.size)).sum(axis=0)[..., None] % 2 == 1
        tops = places // _CELLS * (height - self.size) // (_CELLS - 1)
        lefts = places % _CELLS * (width - self.size) // (_CELLS - 1)
        marked = images.copy()
        for image, top, left, own in zip(marked, tops, lefts, colours, strict=True):
            image[top : top + self.size, left : left + self.size] = own ^ is_second
        return marked


def _coarse(images: Images) -> NDArray[np.float64]:
    """Return the standardised means of a grid of cells, shape ``(n, cells squared)``."""
    rows = np.array_split(images.mean(axis=-1), _CELLS, axis=1)
    cells = [part.mean(axis=(1, 2)) for row in rows for part in np.array_split(row, _CELLS, axis=2)]
    means = np.stack(cells, axis=1).astype(np.float64)
    centred = means - means.mean(axis=1, keepdims=True)
    return np.asarray(centred / (means.std(axis=1, keepdims=True) + 1e-6))
