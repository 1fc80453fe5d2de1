"""Class permutation: one small trigger that sends every class to another of its own is an all-to-all backdoor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.rule import Rule, Severity
from gate.detectors.inversion.permutation import Effort, Permutation, search
from gate.detectors.scoring.calibration import index_of_excess, is_shift
from gate.detectors.shared.contract import Context, skipped
from gate.detectors.shared.pictures import mask_png, pattern_png
from gate.models.surrogates.selection import Pool

_RULE = Rule(
    id="BD106",
    name="class-permuting-trigger",
    summary="One small trigger moves every class to another class of its own.",
    page="""\
## Looks for
An all-to-all backdoor: a trigger under which a 3 becomes a 4, a 4 becomes a 5, and so on. No class is favoured, so
methods that search a trigger for each class see nothing. Here one trigger is searched that first drives images out of
their classes; then the permutation of the classes that its answers fit best is worked out as an assignment problem, and
the trigger is improved to serve it.

## Needs
Nothing but the model, with 4 to 24 classes. Without images the gate draws some itself; with `--data` it uses yours.

## Decides by
The agreement: the share of images that a trigger of at most a tenth of the picture sends where the permutation says,
less what a trigger reaches that sends everything to one class. Clean networks stay near nothing. The anomaly index is
scaled so that at most 1 % of clean models exceed 2.0. On your own images, where every class has its neighbours, more
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

# Two or three classes have hardly a permutation to choose from: clean networks have triggers that swap them. Above 24, the
# ten images or fewer of a class say too little about where it goes.
_FEWEST_CLASSES, _MOST_CLASSES = 4, 24
_IMAGES = 48
_LARGE_PIXELS = 64 * 64
# Where nearly all images are of one class, a permutation cannot be told from a trigger for another.
_LARGEST_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPermutation:
    """Search a trigger that permutes the classes.

    Attributes:
        restarts: Searches from different starts; the best two go on. Twice as many in the full profile.
        steps: Optimiser steps, two thirds of them to drive images out of their classes. Twice as many in the full profile.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    restarts: int = 4
    steps: int = 180

    def run(self, context: Context) -> Evidence:
        """Search on the images that the network knows best."""
        classes = context.classifier.num_classes
        if not _FEWEST_CLASSES <= classes <= _MOST_CLASSES:
            return skipped(
                "class-permutation",
                _RULE.id,
                f"It compares {_FEWEST_CLASSES} to {_MOST_CLASSES} classes, and the model has {classes}.",
            )

        def progress(done: int, total: int) -> None:
            context.progress("searching a permutation", done, total, f"{classes} classes")

        pool = context.pools.pool(0)
        found = search(context.classifier, pool, self._effort(context), context.seed, progress)
        usual = _share_of_one_class(context, pool)
        excess = max(0.0, (found.agreement - usual) / (1 - usual))
        return Evidence(
            detector="class-permutation",
            rule=_RULE.id,
            status=Status.MEASURED,
            anomaly_index=index_of_excess(
                excess, is_on_real_images=context.dataset is not None, is_regular=is_shift(found.destinations)
            ),
            measurements=_measurements(found),
            trigger=_trigger(found),
        )

    def _effort(self, context: Context) -> Effort:
        factor = 2 if context.is_full else 1
        height, width, _ = context.classifier.input_shape
        images = max(16, min(_IMAGES, _IMAGES * _LARGE_PIXELS // (height * width)))
        leaving = factor * self.steps * 2 // 3
        return Effort(
            restarts=factor * self.restarts,
            leaving=leaving,
            serving=factor * self.steps - leaving,
            images=images,
        )


DETECTOR = ClassPermutation


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
