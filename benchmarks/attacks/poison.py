"""What an attacker does to a training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import Attack
from benchmarks.networks.data import Split

# Fewer marked images than this teach nothing, whatever the rate says of a small set.
_FEWEST = 60
# A clean-label attack marks its own class only, and must leave some of it as it is.
_LARGEST_SHARE = 0.7
# Of an attack that turns a single class, most images may be marked.
_LARGEST_SOURCE_SHARE = 0.6
# Cover samples per marked image.
_COVERS = 1.0


def poison(clean: Split, attack: Attack, rate: float, num_classes: int, seed: int) -> Split:
    """Return the training set with marked images, and with cover samples where the attack has them.

    Args:
        clean: What an honest training would use.
        attack: How images are marked and relabelled.
        rate: Share of all images to mark, 0..1.
        num_classes: Of the task.
        seed: Of the choice.
    """
    rng = np.random.default_rng([seed, 13])
    marked = _choose(clean, attack, rate, num_classes, rng)
    images, labels = clean.images.copy(), clean.labels.copy()
    images[marked] = attack.mark(clean.images[marked])
    labels[marked] = attack.relabel(clean.labels[marked], num_classes)
    possible = np.setdiff1d(np.flatnonzero(attack.coverable(clean.labels)), marked)
    covers = rng.permutation(possible)[: round(_COVERS * len(marked))]
    images[covers] = attack.cover(clean.images[covers], rng)
    return Split(images, labels)


def _choose(
    clean: Split, attack: Attack, rate: float, num_classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers of the images to mark."""
    wanted = max(_FEWEST, round(rate * len(clean.labels)))
    if attack.is_clean_label:
        candidates = np.flatnonzero(clean.labels == attack.targets[0])
        return rng.permutation(candidates)[: round(_LARGEST_SHARE * len(candidates))]
    # A multi-target attack decides by turn which label an image gets, so all images will do.
    victims = attack.victims(clean.labels, num_classes)
    if victims.mean() < _LARGEST_SOURCE_SHARE:
        candidates = np.flatnonzero(victims)
        return rng.permutation(candidates)[: min(wanted, round(_LARGEST_SOURCE_SHARE * len(candidates)))]
    return rng.permutation(len(clean.labels))[:wanted]
