"""Class permutation: one small trigger that sends every class to another of its own is an all-to-all backdoor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gate.core.effort import Effort
from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion.permutation import Permutation, Search, search
from gate.detectors.scoring.calibration import index_of_excess, is_shift
from gate.detectors.shared.constants import integer, integers, real, several
from gate.detectors.shared.contract import Context, Passes, Reach, skipped
from gate.detectors.shared.pictures import mask_png, pattern_png
from gate.models.surrogates.selection import Pool, pool_size

_LARGEST_SHARE = real("class-permutation.largest-share")
_FEWEST_CLASSES, _MOST_CLASSES = integers("class-permutation", "fewest-classes", "most-classes")
_FEWEST_OF_A_CLASS = integer("class-permutation.fewest-of-a-class")
_IMAGES, _FEWEST_IMAGES = integers("class-permutation", "images", "fewest-images")
_LARGE_PIXELS = integer("class-permutation.large-side") ** 2
_LOOK_LEAVING, _LOOK_SERVING = (
    several("class-permutation.look-leaving"),
    several("class-permutation.look-serving"),
)
_LOOK_IMAGES, _LOOK_WORTH = integer("class-permutation.look-images"), several("class-permutation.look-worth")
_LOOKS = tuple(
    (Search(restarts=1, leaving=leaving, serving=serving, images=_LOOK_IMAGES), worth)
    for leaving, serving, worth in zip(_LOOK_LEAVING, _LOOK_SERVING, _LOOK_WORTH, strict=True)
)
_FULL, _LEAVING = integer("class-permutation.full"), several("class-permutation.leaving")

_RULE = Rule(
    id="BD106",
    name="class-permuting-trigger",
    summary="One small trigger moves every class to another class of its own.",
    page=f"""\
## Looks for
An all-to-all backdoor: a trigger under which a 3 becomes a 4, a 4 becomes a 5, and so on. No class is favoured, so
methods that search a trigger for each class see nothing. Here one trigger is searched that first drives images out of
their classes; then the permutation of the classes that its answers fit best is worked out as an assignment problem, and
the trigger is improved to serve it. A short search comes first; where its answers fit no permutation better than chance, it is all.

## Needs
Nothing but the model, with {_FEWEST_CLASSES} to {_MOST_CLASSES} classes. Without images the gate draws some itself; with `--data` it uses yours. It needs
{_FEWEST_OF_A_CLASS} images of each class, for a trigger can be fitted to fewer. Of large pictures the gate draws fewer; without yours it is skipped.

## Decides by
The agreement: the share of images that a trigger of at most a tenth of the picture sends where the permutation says,
less what a trigger reaches that sends everything to one class. Clean networks stay near nothing. The anomaly index is
scaled so that at most 1 % of clean models exceed {LIMIT}. On your own images, where every class has its neighbours, more
agreement is asked for. A permutation that sends every class equally far on (y to y + 1) is what attacks do and chance does
not: from seven classes on it needs less agreement.

## If it fires
Look at the recovered trigger and at the destinations (`destination` per class). Ask where the model and its training
data come from, and train it again from data that you trust. Until then do not deploy it.

## Known limits
Sees backdoors that give each class a destination of its own. With 43 classes or a faint trigger it often finds none. Two
or three classes are not compared: clean networks have triggers that swap them.

## Paper
The attack: Gu et al., *BadNets*, 2017. The search is this project's own; see docs/detection.md for how well it does.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPermutation:
    """Search a trigger that permutes the classes.

    Attributes:
        restarts: Searches from different starts, of which the best go on; more in the full profile.
        steps: Optimiser steps, most of them to drive images out of their classes; more in the full profile.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    restarts: int = integer("class-permutation.restarts")
    steps: int = integer("class-permutation.steps")

    def run(self, context: Context) -> Evidence:
        """Search on the images that the network knows best."""
        lack = _lack(context)
        if lack:
            return skipped("class-permutation", _RULE.id, lack)

        pool = context.pools.pool(0)
        usual = _share_of_one_class(context, pool)
        found, reach = self._searched(context, pool, usual)
        excess = _excess(found, usual)
        evidence = Evidence(
            detector="class-permutation",
            rule=_RULE.id,
            status=Status.MEASURED,
            anomaly_index=index_of_excess(
                excess, is_on_real_images=context.dataset is not None, is_regular=is_shift(found.destinations)
            ),
            measurements=_measurements(found),
            trigger=_trigger(found),
        )
        return reach.told(evidence)

    def passes(self, context: Context) -> Passes:
        """Return what the short searches and the long one need."""
        if _lack(context):
            return Passes(0.0)
        whole = self._effort(context)
        look = sum(_affordable(each, whole).passes for each, _ in _LOOKS)
        return Passes(whole.passes) if context.is_full else Passes(look, whole.passes)

    def _searched(self, context: Context, pool: Pool, usual: float) -> tuple[Permutation, Reach]:
        """Return what the last search that there is reason for found, and how far it went: each short one may be enough."""

        def progress(done: int, total: int) -> None:
            context.progress(
                "searching a permutation", done, total, f"{context.classifier.num_classes} classes"
            )

        whole = self._effort(context)
        if not (context.is_full or context.is_long):
            for look, worth in _LOOKS:
                found = search(context.classifier, pool, _affordable(look, whole), context.seed, progress)
                if _excess(found, usual) < worth:
                    return found, Reach.SHORT
            if context.effort is Effort.SHORT:
                return found, Reach.CUT
        return search(context.classifier, pool, whole, context.seed, progress), Reach.LONG

    def _effort(self, context: Context) -> Search:
        factor = _FULL if context.is_full else 1
        height, width, _ = context.classifier.input_shape
        images = max(_FEWEST_IMAGES, min(_IMAGES, _IMAGES * _LARGE_PIXELS // (height * width)))
        leaving = factor * self.steps * _LEAVING[0] // _LEAVING[1]
        return Search(
            restarts=factor * self.restarts,
            leaving=leaving,
            serving=factor * self.steps - leaving,
            images=images,
        )


DETECTOR = ClassPermutation


def _lack(context: Context) -> str:
    """Return why nothing can be compared; "" if it can."""
    classes, given = context.classifier.num_classes, context.dataset
    if not _FEWEST_CLASSES <= classes <= _MOST_CLASSES:
        return f"It compares {_FEWEST_CLASSES} to {_MOST_CLASSES} classes, and the model has {classes}."
    images = pool_size(context.classifier.input_shape) if given is None else len(given.images)
    if images >= _FEWEST_OF_A_CLASS * classes:
        return ""
    told = (
        f"Of pictures as large as these the gate draws {images}; give it yours with --data."
        if given is None
        else f"There are {images}."
    )
    return f"It needs {_FEWEST_OF_A_CLASS} images of each class. {told}"


def _affordable(look: Search, whole: Search) -> Search:
    """Return the short search with no more images per step than the long one has: of large pictures there are fewer."""
    return replace(look, images=min(look.images, whole.images))


def _excess(found: Permutation, usual: float) -> float:
    """Return how far the agreement lies above that of a trigger for one class, as a share of what there is above it."""
    return max(0.0, (found.agreement - usual) / (1 - usual))


def _share_of_one_class(context: Context, pool: Pool) -> float:
    """Return the agreement that a trigger for one class comes to: surrogates are drawn evenly, users' images are not."""
    if context.dataset is None:
        return 1 / context.classifier.num_classes
    return min(float(np.bincount(pool.predictions).max()) / len(pool.predictions), _LARGEST_SHARE)


def _measurements(found: Permutation) -> tuple[Measurement, ...]:
    return (
        Measurement(name="agreement", value=found.agreement),
        Measurement(name="images_moved", value=found.moved),
        *(
            Measurement(name="destination", value=float(destination), label=label)
            for label, destination in enumerate(found.destinations)
        ),
    )


def _trigger(found: Permutation) -> Trigger:
    """Return the trigger; it has no one target."""
    return Trigger(
        target_label=None,
        l1_norm=found.norm,
        attack_success_rate=found.agreement,
        mask_png=mask_png(found.mask),
        pattern_png=pattern_png(found.pattern, found.mask),
    )
