"""Random triggers to ask a network about: the distribution that meta neural analysis draws backdoors from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integer, real, reals, several
from gate.models.numerics.arrays import Images
from gate.models.numerics.streams import Stream, random_numbers

Shape = tuple[int, int, int]

_SMALLEST, _LARGEST, _NEAR_AN_EDGE = reals("meta.queries", "smallest", "largest", "near-an-edge")
_MARGIN, _FAINTEST, _STRONGEST = reals("meta.queries", "margin", "faintest", "strongest")
_MOST_PERIODS = integer("meta.queries.most-periods")
_WAVES, _GRAINS = real("meta.queries.waves"), several("meta.queries.grains")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A trigger: x' = (1 - mask) * x + mask * pattern.

    Attributes:
        mask: Shape ``(h, w, 1)``, 0..1.
        pattern: Shape ``(h, w, c)``, 0..1.
    """

    mask: Images
    pattern: Images

    def on(self, images: Images) -> Images:
        """Return the images with the trigger on them."""
        stamped: Images = images + self.mask * (self.pattern - images)
        return stamped


def patch(rng: np.random.Generator, shape: Shape) -> Stamp:
    """Return a small opaque square of random pixels, or of one colour."""
    height, width, channels = shape
    side = max(1, round(min(height, width) * rng.uniform(_SMALLEST, _LARGEST)))
    top, left = (_place(rng, size, side) for size in (height, width))
    grain = int(rng.choice((1, side)))
    pixels = (
        rng.integers(0, 2, (side, side, channels))
        if rng.random() < 0.5
        else rng.random((side, side, channels))
    )
    mask, pattern = np.zeros((height, width, 1), np.float32), np.zeros(shape, np.float32)
    mask[top : top + side, left : left + side] = 1.0
    pattern[top : top + side, left : left + side] = _coarse(pixels, grain)
    return Stamp(mask, pattern)


def blend(rng: np.random.Generator, shape: Shape) -> Stamp:
    """Return a faint picture over the whole image: noise of some grain, or a wave."""
    opacity = np.full((*shape[:2], 1), rng.uniform(_FAINTEST, _STRONGEST), np.float32)
    pattern = (
        _wave(rng, shape) if rng.random() < _WAVES else _coarse(rng.random(shape), int(rng.choice(_GRAINS)))
    )
    return Stamp(opacity, pattern.astype(np.float32))


def stamps(seed: int, shape: Shape, patches: int, blends: int) -> Iterator[Stamp]:
    """Yield so many random patches, then so many random blends; the same for the same seed."""
    rng = random_numbers(seed, Stream.TRIGGER_QUERIES)
    for kind, count in ((patch, patches), (blend, blends)):
        for _ in range(count):
            yield kind(rng, shape)


def _place(rng: np.random.Generator, size: int, side: int) -> int:
    """Return where a patch begins along one axis."""
    room = size - side
    if rng.random() >= _NEAR_AN_EDGE:
        return int(rng.integers(room + 1))
    margin = int(rng.integers(min(round(_MARGIN * size), room) + 1))
    return margin if rng.random() < 0.5 else room - margin


def _coarse(pixels: NDArray[np.float64] | NDArray[np.int64], grain: int) -> NDArray[np.float64]:
    """Return the picture in blocks of `grain` pixels, each as its first pixel."""
    rows, columns = (np.arange(size) // grain * grain for size in pixels.shape[:2])
    blocks: NDArray[np.float64] = np.asarray(pixels, np.float64)[rows][:, columns]
    return blocks


def _wave(rng: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
    height, width, channels = shape
    down, across = rng.integers(0, _MOST_PERIODS + 1, 2)
    phase = np.add.outer(down * np.arange(height) / height, across * np.arange(width) / width)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (phase + rng.random()))
    return np.repeat(wave[..., None], channels, axis=2)
