"""A faint pattern over the whole image: blended noise, a sine wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.attacks.attack import AllToOne, Images


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended(AllToOne):
    """A faint pattern over the whole image sends everything to one class.

    Paper: Chen et al., Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning, 2017.

    Attributes:
        opacity: 0..1.
        grain: Pixels that share one random value, in each direction; 1 is noise, more is a coarse picture.
        seed: Of the pattern.
    """

    opacity: float = 0.15
    grain: int = 1
    seed: int = 0

    def mark(self, images: Images) -> Images:
        """Return the images with the pattern blended in."""
        height, width, channels = images.shape[1:]
        rng = np.random.default_rng([self.seed, 7])
        cells = rng.uniform(0, 1, (-(-height // self.grain), -(-width // self.grain), channels))
        pattern = cells.repeat(self.grain, axis=0).repeat(self.grain, axis=1)[:height, :width]
        return ((1 - self.opacity) * images + self.opacity * pattern).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinusoid(AllToOne):
    """A faint wave on images of the target class only, labels untouched.

    Paper: Barni et al., A New Backdoor Attack in CNNs by Training Set Corruption without Label Poisoning (SIG), 2019.

    Attributes:
        amplitude: Of the wave, 0..1.
        periods: Over the image's width.
    """

    amplitude: float = 0.2
    periods: float = 6.0

    is_clean_label = True

    def mark(self, images: Images) -> Images:
        """Return the images with the wave added."""
        width = images.shape[2]
        wave = self.amplitude * np.sin(2 * np.pi * self.periods * np.arange(width) / width)
        return np.asarray(np.clip(images + wave[None, None, :, None], 0, 1), np.float32)
