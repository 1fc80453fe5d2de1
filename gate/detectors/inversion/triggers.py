"""What a trigger can look like: a patch that replaces pixels, or a faint pattern that is added to them.

A trigger model says how its trigger is put on images and how large it is; the search does not care which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import real, reals, record
from gate.models.numerics.arrays import Singles

if TYPE_CHECKING:
    import tensorflow as tf

Shape = tuple[int, int, int]

_SLACK, _MOST_OF_A_PATCH, _SQUARE = reals("inversion.triggers", "slack", "most-of-a-patch", "square")
_FIRST_NOISE = real("inversion.triggers.first-noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a form is searched best.

    Attributes:
        rate: Of Adam.
        first_cost: Of one unit of size, before the search adapts it.
        success: Share of images that must reach the target for a trigger to count, 0..1.
        smallest: Sizes below it are no smaller than it.
        largest: What cannot be found is at least as large as this.
        is_local: Whether it is searched at one place, and cannot leave it.
    """

    rate: float
    first_cost: float
    success: float
    smallest: float = 0.0
    largest: float = math.inf
    is_local: bool = False

    def comparable(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sizes as they may be compared, each within smallest..largest."""
        within: NDArray[np.float64] = np.clip(sizes, self.smallest, self.largest)
        return within


@dataclass(frozen=True, slots=True)
class Restart:
    """One search of many: its class, and which of the searches for that class it is, from 0."""

    label: int
    number: int


class TriggerModel(Protocol):
    """A kind of trigger. Its parameters are what Adam moves; "trigger" is what they mean."""

    @property
    def tuning(self) -> Tuning:
        """How it is searched best."""
        ...

    def depths(self, channels: int) -> tuple[int, ...]:
        """Return the number of channels of each parameter."""
        ...

    def start(
        self, rng: np.random.Generator, shape: Shape, restart: Restart
    ) -> tuple[NDArray[np.float64], ...]:
        """Return the parameters of one restart before the first step, each of shape ``(h, w, depth)``."""
        ...

    def trigger(self, params: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Return what the parameters mean, of the same shapes."""
        ...

    def stamp(self, images: tf.Tensor, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Return the images, shape ``(..., h, w, c)``, with the trigger on them; shapes broadcast."""
        ...

    def size(self, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Return how large each restart's trigger is, shape ``(restarts,)``."""
        ...

    def shrunk(self, trigger: tuple[Singles, ...], factor: float) -> tuple[Singles, ...]:
        """Return one trigger whose size is this many times what it was, 0..1."""
        ...

    def has_a_place(self, trigger: tuple[Singles, ...]) -> bool:
        """Return whether one trigger is of one place, so that it says something how it does beside that place."""
        ...

    def picture(self, trigger: tuple[Singles, ...]) -> tuple[Singles, Singles]:
        """Return one trigger as a mask, shape ``(h, w, 1)``, and a pattern, shape ``(h, w, c)``, each in 0..1."""
        ...


class Patch:
    """A mask and a pattern: x' = (1 - mask) * x + mask * pattern; its size is the mask's L1 norm in pixels.

    Both live in tanh space, so that every step leaves them within 0..1.

    Paper: Wang et al., Neural Cleanse, IEEE S&P 2019.
    """

    tuning = Tuning(**record("inversion.triggers.patch"))

    def depths(self, channels: int) -> tuple[int, ...]:
        """Return 1 for the mask, and the image's channels for the pattern."""
        return 1, channels

    def start(
        self, rng: np.random.Generator, shape: Shape, restart: Restart
    ) -> tuple[NDArray[np.float64], ...]:
        """Return a random mask and a random pattern."""
        del restart
        return tuple(
            to_tanh_space(rng.uniform(0.0, 1.0, (*shape[:2], depth))) for depth in self.depths(shape[2])
        )

    def trigger(self, params: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Return mask and pattern in 0..1."""
        import tensorflow as tf

        return tuple(tf.clip_by_value(tf.tanh(value) / (2 * _SLACK) + 0.5, 0.0, 1.0) for value in params)

    def stamp(self, images: tf.Tensor, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Replace what the mask covers."""
        mask, pattern = trigger
        return (1.0 - mask) * images + mask * pattern

    def size(self, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Return the L1 norm of each mask, in pixels."""
        import tensorflow as tf

        return tf.reduce_sum(trigger[0], axis=(1, 2, 3))

    def shrunk(self, trigger: tuple[Singles, ...], factor: float) -> tuple[Singles, ...]:
        """Keep the strongest pixels of the mask as they are, and drop the others."""
        mask, pattern = trigger
        strongest = np.sort(mask, axis=None)[::-1]
        kept = int(np.searchsorted(np.cumsum(strongest), factor * strongest.sum(), side="right"))
        limit = strongest[min(kept, strongest.size - 1)]
        return np.where(mask > limit, mask, 0.0).astype(np.float32), pattern

    def has_a_place(self, trigger: tuple[Singles, ...]) -> bool:
        """Return whether most of the mask lies within one small square."""
        mask = trigger[0][..., 0]
        side = max(1, round(_SQUARE * min(mask.shape)))
        within = np.lib.stride_tricks.sliding_window_view(mask, (side, side)).sum(axis=(-2, -1))
        return bool(within.max() >= _MOST_OF_A_PATCH * mask.sum())

    def picture(self, trigger: tuple[Singles, ...]) -> tuple[Singles, Singles]:
        """Return mask and pattern as they are."""
        mask, pattern = trigger
        return mask, pattern


class Perturbation:
    """One faint image that is added: x' = clip(x + delta, 0, 1); its size is delta's L2 norm.

    It needs no mask, so it follows triggers that cover the whole picture: blends, waves, warps.

    Paper: Moosavi-Dezfooli et al., Universal Adversarial Perturbations, CVPR 2017; Tao et al., Better Trigger Inversion
    Optimization in Backdoor Scanning, CVPR 2022, for inversion without a mask.
    """

    tuning = Tuning(**record("inversion.triggers.perturbation"))

    def depths(self, channels: int) -> tuple[int, ...]:
        """Return the image's channels."""
        return (channels,)

    def start(
        self, rng: np.random.Generator, shape: Shape, restart: Restart
    ) -> tuple[NDArray[np.float64], ...]:
        """Return faint noise."""
        del restart
        return (rng.normal(0.0, _FIRST_NOISE, shape),)

    def trigger(self, params: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Return the parameter itself."""
        return params

    def stamp(self, images: tf.Tensor, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Add the perturbation and clip to what a picture can hold."""
        import tensorflow as tf

        return tf.clip_by_value(images + trigger[0], 0.0, 1.0)

    def size(self, trigger: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Return the L2 norm of each perturbation."""
        import tensorflow as tf

        return tf.sqrt(tf.reduce_sum(tf.square(trigger[0]), axis=(1, 2, 3)) + 1e-9)

    def shrunk(self, trigger: tuple[Singles, ...], factor: float) -> tuple[Singles, ...]:
        """Make the perturbation fainter."""
        return ((factor * trigger[0]).astype(np.float32),)

    def has_a_place(self, trigger: tuple[Singles, ...]) -> bool:
        """Return that it has none: it covers the picture."""
        del trigger
        return False

    def picture(self, trigger: tuple[Singles, ...]) -> tuple[Singles, Singles]:
        """Return a faint mask over black and white: (1 - |d|) * x + |d| * (d > 0) is near x + d."""
        (delta,) = trigger
        mask = np.abs(delta).max(axis=-1, keepdims=True).clip(0.0, 1.0)
        pattern: Singles = np.clip(0.5 + 0.5 * delta / max(float(np.abs(delta).max()), 1e-6), 0.0, 1.0)
        return mask, pattern


def to_tanh_space(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the parameters of masks or patterns in 0..1."""
    params: NDArray[np.float64] = np.arctanh((values - 0.5) * 2 * _SLACK)
    return params
