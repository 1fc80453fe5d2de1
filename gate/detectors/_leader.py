"""Search a trigger for each class, find the class whose trigger is oddly small, and look again on other images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.detectors._calibration import Scale, index_of_gap
from gate.detectors._contract import Context
from gate.detectors._forms import Form
from gate.detectors._inversion import Inversion, Settings, invert
from gate.detectors._stats import log_gap, spread_below

Labels = NDArray[np.int64]

_CONFIRM_ABOVE = 1.0
_PEERS = 11
# Kinds of images that a suspicious leader is searched on, the first search included.
_RANKS_IN_QUICK, _RANKS_IN_FULL = 2, 3
_PIXELS_PER_STEP = 16 * 128 * 128
_FEWEST_IMAGES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found.

    Attributes:
        found: The triggers of all classes on the first kind of images.
        leader: Position of the class with the smallest one.
        indices: Its anomaly index on each kind of images.
    """

    found: Inversion
    leader: int
    indices: tuple[float, ...]

    @property
    def index(self) -> float:
        """The leader's anomaly index, averaged over all kinds of images that it was searched on."""
        return float(np.mean(self.indices))


def examine(context: Context, form: Form, settings: Settings, scale: Scale, labels: Labels) -> Examination:
    """Search the classes on the best images; look again at a suspicious leader on other kinds of images.

    Args:
        context: The model, and images to search on.
        form: What a trigger may look like.
        settings: How long to search, as for small pictures in the quick profile.
        scale: What is usual for clean models.
        labels: Classes to search, ascending.
    """
    search = _Searcher(context, form, affordable(settings, context))
    found = search(0, labels, "inverting triggers")
    leader = int(np.argmin(found.norms))
    indices = [_index(found, leader, len(labels), scale)]
    for rank in range(1, min(context.bank.ranks, _RANKS_IN_FULL if context.is_full else _RANKS_IN_QUICK)):
        if np.mean(indices) < _CONFIRM_ABOVE:
            break
        again = search(rank, _leader_and_peers(found, leader), "confirming the trigger")
        place = int(np.searchsorted(again.labels, found.labels[leader]))
        indices.append(_index(again, place, len(labels), scale))
    return Examination(found=found, leader=leader, indices=tuple(indices))


def affordable(settings: Settings, context: Context) -> Settings:
    """Return the settings for this profile and picture size."""
    restarts, steps, images = settings.restarts, settings.steps, settings.images
    if context.is_full:
        restarts, steps, images = restarts + 1, steps * 3, images * 2
    height, width, _ = context.classifier.input_shape
    # Large pictures cost more each; fewer of them per step keep the work within bounds.
    most = max(_FEWEST_IMAGES, _PIXELS_PER_STEP // (height * width))
    return Settings(restarts=restarts, steps=steps, images=min(images, most))


@dataclass(frozen=True, slots=True)
class _Searcher:
    context: Context
    form: Form
    settings: Settings

    def __call__(self, rank: int, labels: Labels, stage: str) -> Inversion:
        context, pool = self.context, self.context.bank.pool(rank)

        def progress(done: int, total: int) -> None:
            context.progress(stage, done, total, f"{len(labels)} classes")

        return invert(context.classifier, pool, self.form, labels, self.settings, context.seed, progress)


def _index(found: Inversion, leader: int, num_classes: int, scale: Scale) -> float:
    """Return the index of one class; the leader was the smallest of `num_classes`, however many were searched now."""
    if not np.isfinite(found.norms[leader]):
        return 0.0
    gap, spread = log_gap(found.norms, leader), spread_below(found.norms, leader)
    return index_of_gap(gap, spread, num_classes, scale)


def _leader_and_peers(found: Inversion, leader: int) -> Labels:
    """Return the leader and at most `_PEERS` other classes, spread evenly over the order of their norms."""
    others = np.array([i for i in np.argsort(found.norms, kind="stable") if i != leader])
    chosen = np.unique(np.linspace(0, len(others) - 1, min(_PEERS, len(others))).astype(np.int64))
    return np.sort(np.append(found.labels[others[chosen]], found.labels[leader]))
