"""Search a trigger for each class on several kinds of images, and find the class whose trigger is oddly small on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gate.core.effort import Effort
from gate.detectors.inversion.search import Inversion, Settings, invert
from gate.detectors.inversion.triggers import TriggerModel
from gate.detectors.scoring.calibration import Scale, class_indices
from gate.detectors.shared.constants import integer, integers, real
from gate.detectors.shared.contract import Context, Passes, Reach
from gate.models.numerics.arrays import Floats, Labels
from gate.models.surrogates.impressions import STEPS
from gate.models.surrogates.selection import pool_size

SUSPICIOUS = real("inversion.examination.suspicious")
_SUSPECTS, _PEERS, _KINDS_IN_QUICK = integers("inversion.examination", "suspects", "peers", "kinds-in-quick")
_KINDS_IN_FULL = integer("inversion.examination.kinds-in-full")
_MORE_STEPS_IN_FULL = integer("inversion.examination.more-steps-in-full")
_MORE_IMAGES_IN_FULL = integer("inversion.examination.more-images-in-full")
_PIXELS_PER_STEP, _FEWEST_IMAGES = integers("inversion.examination", "pixels-per-step", "fewest-images")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found.

    Attributes:
        searches: The triggers on each kind of images; all classes on the first, some or all on the others.
        indices: Anomaly index of each class of the first search on each kind of images, shape ``(kinds, k)``; NaN where
            the class was not searched.
        weights: How much the network knows about each kind, shape ``(kinds,)``.
    """

    searches: tuple[Inversion, ...]
    indices: Floats
    weights: Floats

    @property
    def found(self) -> Inversion:
        """The first search."""
        return self.searches[0]

    @property
    def class_indices(self) -> Floats:
        """Anomaly index of each class, shape ``(k,)``: the mean over all kinds of images by how much the network knows about them."""
        known = np.where(np.isnan(self.indices), 0.0, 1.0) * (self.weights + 1e-9)[:, None]
        means: Floats = (np.nan_to_num(self.indices) * known).sum(axis=0) / known.sum(axis=0)
        return means

    @property
    def leader(self) -> int:
        """Position of the class with the largest index; of the smallest trigger, if none has any."""
        indices = self.class_indices
        return int(np.argmax(indices)) if indices.any() else int(np.argmin(self.found.norms))

    @property
    def is_suspicious(self) -> bool:
        """Whether the leader is worth another look."""
        return float(self.class_indices[self.leader]) >= SUSPICIOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A short search that comes first in the quick profile; only what it finds suspicious is worth the long one.

    Attributes:
        steps: Optimiser steps.
        images: Images per step at most, fewer of large pictures.
        found: Share of the classes that it must have a trigger for, 0..1, to clear a network.
        looks: So many times, from other starts, it must find something suspicious.
    """

    steps: float
    images: float
    found: float
    looks: float

    @property
    def settings(self) -> Settings:
        """How long it is."""
        return Settings(restarts=1, steps=int(self.steps), images=int(self.images))

    def contexts(self, context: Context) -> Iterator[Context]:
        """Yield the context of each look: other starts, other batches."""
        yield from (replace(context, seed=context.seed + look) for look in range(int(self.looks)))

    def clears(self, examination: Examination) -> bool:
        """Return whether nothing that was found calls for a longer search."""
        is_enough = np.isfinite(examination.found.norms).mean() >= self.found
        return bool(is_enough) and not examination.is_suspicious


def screened(
    context: Context, form: TriggerModel, settings: Settings, scale: Scale, labels: Labels, first: Screen
) -> tuple[Examination, Reach]:
    """Return what a short search finds, if that is not suspicious, else what `examine` does; and how far the search went.

    Args:
        context: The model, and images to search on.
        form: What a trigger may look like.
        settings: How long the long search is.
        scale: What is usual for clean models.
        labels: Classes to search, ascending.
        first: The short search.
    """
    if context.is_full or context.is_long:
        return examine(context, form, settings, scale, labels), Reach.LONG
    for look in first.contexts(context):
        quick = examine(look, form, first.settings, scale, labels, kinds=1)
        if first.clears(quick):
            return quick, Reach.SHORT
    if context.effort is Effort.SHORT:
        return quick, Reach.CUT
    return examine(context, form, settings, scale, labels), Reach.LONG


def passes(context: Context, settings: Settings, classes: int, first: Screen) -> Passes:
    """Return what `screened` needs at most, and the second kind of images."""
    kinds = _KINDS_IN_FULL if context.is_full else _KINDS_IN_QUICK
    refined = STEPS * pool_size(context.classifier.input_shape)
    whole = affordable(settings, context)
    if context.is_full:
        return Passes(kinds * (whole.passes(classes) + refined))
    look = first.looks * affordable(first.settings, context).passes(classes)
    return Passes(look, kinds * whole.passes(classes) + refined)


def examine(
    context: Context,
    form: TriggerModel,
    settings: Settings,
    scale: Scale,
    labels: Labels,
    kinds: int = 0,
) -> Examination:
    """Search the classes on the best images, and again on others: a backdoor's target leads whatever the images are.

    Args:
        context: The model, and images to search on.
        form: What a trigger may look like.
        settings: How long to search, as for small pictures in the quick profile.
        scale: What is usual for clean models.
        labels: Classes to search, ascending.
        kinds: Of images to search on; 0 for what the profile says.
    """
    search = _Searcher(context, form, affordable(settings, context))
    examination = Examination(searches=(), indices=np.empty((0, len(labels))), weights=np.empty(0))
    kinds = min(context.pools.count, kinds or (_KINDS_IN_FULL if context.is_full else _KINDS_IN_QUICK))
    for index in range(kinds):
        chosen = _next_labels(examination, labels, context.is_full)
        if not len(chosen):
            break
        found = search(index, chosen, "confirming the trigger" if index else "inverting triggers")
        row = np.full(len(labels), np.nan)
        row[np.searchsorted(labels, chosen)] = class_indices(
            form.tuning.comparable(found.norms), scale, len(labels)
        )
        examination = Examination(
            searches=(*examination.searches, found),
            indices=np.vstack([examination.indices, row]),
            weights=np.append(examination.weights, context.pools.knowledge(index)),
        )
    return examination


def affordable(settings: Settings, context: Context) -> Settings:
    """Return the settings for this profile and picture size."""
    restarts, steps, images = settings.restarts, settings.steps, settings.images
    if context.is_full:
        restarts, steps, images = restarts + 1, steps * _MORE_STEPS_IN_FULL, images * _MORE_IMAGES_IN_FULL
    height, width, _ = context.classifier.input_shape
    # Large pictures cost more each; fewer of them per step keep the work within bounds.
    most = max(_FEWEST_IMAGES, _PIXELS_PER_STEP // (height * width))
    return Settings(restarts=restarts, steps=steps, images=min(images, most))


@dataclass(frozen=True, slots=True)
class _Searcher:
    context: Context
    form: TriggerModel
    settings: Settings

    def __call__(self, index: int, labels: Labels, stage: str) -> Inversion:
        context, pool = self.context, self.context.pools.pool(index)

        def progress(done: int, total: int) -> None:
            context.progress(stage, done, total, f"{len(labels)} classes")

        return invert(context.classifier, pool, self.form, labels, self.settings, context.seed, progress)


def _next_labels(examination: Examination, labels: Labels, is_full: bool) -> Labels:
    """Return the classes to search on the next kind of images, ascending; none if nothing is left to tell."""
    if not examination.searches:
        return labels
    if not examination.is_suspicious:
        return labels[:0]
    is_affordable = is_full or len(labels) <= _SUSPECTS + _PEERS
    return labels if is_affordable else suspects_and_peers(labels, examination.class_indices)


def suspects_and_peers(labels: Labels, indices: Floats) -> Labels:
    """Return the most suspicious classes and peers spread evenly over the order of the others, ascending."""
    order = labels[np.argsort(-indices, kind="stable")]
    suspects, others = order[:_SUSPECTS], order[_SUSPECTS:]
    chosen = np.unique(np.linspace(0, len(others) - 1, min(_PEERS, len(others))).astype(np.int64))
    return np.sort(np.append(suspects, others[chosen]))
