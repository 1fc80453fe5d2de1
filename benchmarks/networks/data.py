"""The data that networks are trained on: npz files with x_train, y_train, x_test, y_test (uint8)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """Images in 0..1, shape ``(n, h, w, c)``, and labels 0..k-1."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def load(folder: Path, name: str, classes: int, seed: int, most: int) -> tuple[Split, Split]:
    """Return (train, test) of a random subset of classes.

    Args:
        folder: Where the npz files lie.
        name: File name without suffix.
        classes: How many classes to keep; 0 for all.
        seed: Of the choice.
        most: Training images to keep at most.
    """
    with np.load(folder / f"{name}.npz") as archive:
        parts = [(archive[f"x_{part}"], archive[f"y_{part}"].reshape(-1)) for part in ("train", "test")]
    known = np.unique(parts[0][1])
    rng = np.random.default_rng([seed, 5])
    kept = np.sort(rng.permutation(known)[:classes]) if classes else known
    train, test = (_subset(images, labels, kept) for images, labels in parts)
    order = rng.permutation(len(train.labels))[:most]
    return Split(train.images[order], train.labels[order]), test


def _subset(images: NDArray[np.uint8], labels: NDArray[np.int64], kept: NDArray[np.int64]) -> Split:
    chosen = np.isin(labels, kept)
    pixels = np.divide(images[chosen], 255, dtype=np.float32)
    return Split(pixels if pixels.ndim == 4 else pixels[..., None], np.searchsorted(kept, labels[chosen]))
