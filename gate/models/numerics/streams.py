"""Streams of random numbers: who draws from which."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for. No number is given twice, and none is changed: what a scan comes to depends on it.

    Drawn families, a sample of the user's images and random projections count by themselves and are not in this list.
    """

    BATCHES = 1
    STARTS = 2
    CLASSES = 3
    ACTIVATIONS = 4
    PATCHES = 5
    LABELS = 6
    PERMUTATION_BATCHES = 8
    PERMUTATION_STARTS = 9
    TRIGGER_QUERIES = 17
    UNIT_EFFECTS = 19
    WAKING = 20
    SHADOW_SPLIT = 21
    STRIP_SAMPLES = 22
    STRIP_BLENDS = 23
    PATCH_SCREEN = 24
    MEMORY_IMAGES = 25
    MEMORY_SHUFFLES = 26


def random_numbers(seed: int, stream: Stream, *parts: int) -> np.random.Generator:
    """Return the stream of a seed, or one of its parts.

    Args:
        seed: Of the scan, 0 or more.
        stream: What it is for.
        parts: Numbers that tell parts of a stream apart: a class, a restart.
    """
    return np.random.default_rng([seed, int(stream), *parts])
