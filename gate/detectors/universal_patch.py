"""Universal patch: at every place of the picture, how small a patch sends all images to a class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.effort import Effort
from gate.core.evidence import Evidence
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion.evidence import to_evidence
from gate.detectors.inversion.examination import Examination, Screen, affordable, examine
from gate.detectors.inversion.local_patch import LocalPatch
from gate.detectors.inversion.location_lead import LocationLead, leading
from gate.detectors.inversion.patch_scan import PatchScan, Plan, scan_patches
from gate.detectors.inversion.patch_screen import passes_at_best_places, screen_patches
from gate.detectors.inversion.search import Settings
from gate.detectors.scoring.calibration import BESIDE_A_PLACE, DECOYS_OF_A_PLACE, LOCAL_SCALE
from gate.detectors.shared.candidates import ALL_UP_TO, SOME, classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, integers, real, record, several
from gate.detectors.shared.contract import FORWARD, Context, Passes, Reach

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.surrogates.selection import Pool

_WINDOW = real("universal-patch.window")
_ALL_UP_TO, _SOME, _SOME_OF_LARGE = integers("universal-patch", "all-up-to", "some", "some-of-large")
_PIXELS, _COST_OF_A_STEP = integers("universal-patch", "pixels", "cost-of-a-step")
_SMALLEST_SIDE = integer("universal-patch.smallest-side")
_LARGE = integer("universal-patch.large-side") ** 2
_PLANS = several("universal-patch.plans")
_FIRST_LOOK, _FIRST_WINDOWS = several("universal-patch.first-look"), several("universal-patch.first-windows")
_WORTH = real("universal-patch.worth")
_SCREEN = Screen(**record("universal-patch.screen"))

_RULE = Rule(
    id="BD110",
    name="anomalous-local-patch",
    summary="At one place of the picture a patch of a few pixels reaches one class; no other class is reached by one like it.",
    page=f"""\
## Looks for
For every class and every place of the picture, a patch that sends images of all other classes there. A planted trigger is a
patch of a few pixels at one place. A search that begins with a mask over the whole picture, as Neural Cleanse does, seldom
comes down to it; once the place is known, a few steps find it.

## Needs
Nothing but the model. Without images the gate draws some itself and refines them until the network takes them for
its classes; with `--data` it uses yours.

## Decides by
The anomaly index. A window of about a fifth of the picture's height is moved over it; at the places that serve a class best
the patch is made as small as it can be. A class that no patch in a window reaches counts as large as a window. The index says how
far the smallest patch's log size (L1 norm of the mask) lies below the median class, against the spread of clean models, scaled
so that at most 1 % of clean models exceed {LIMIT} for their number of classes. It is lowered where other classes' patches, cut to the
leader's size, reach theirs in a quarter of the cases or more, and where the patch does well two or three pixels beside its place;
it is raised where the patch does nothing there: a planted trigger has its place, a feature of the class often not.
What the whole window does counts, too. Some places and some classes are easier than others; once that is taken away
(`place_lead`, from three classes on), a planted place serves its target by more than any place serves any other class. Where
that class has the smallest patch as well, the index is the root of the sum of both squares, the second being {LIMIT} at what at
most 1 % of clean models reach, and less from a success of {100 * BESIDE_A_PLACE[0]:.0f} % beside its place on, or of {100 * DECOYS_OF_A_PLACE[0]:.0f} % with the other classes'
patches. From ten classes on, where the verdict may turn on it, the same is asked on another kind of images instead of the
other classes' patches, and the smaller lead counts. Where it is another class, that one is looked at if it stands out by
far; if not, and of ten classes or more, the index is a fifth lower.

## If it fires
Look at the recovered patch. Does it show what the class looks like, or a mark that has no business in a picture? Ask where the
model and its training data come from, and train it again from data that you trust. Until then do not deploy it.

## Known limits
Made for backdoors with a patch smaller than a window. It does not see triggers that cover the picture (`universal-perturbation`
looks for those), nor source-specific and all-to-all backdoors. Of more than {_ALL_UP_TO} classes only those that a patch serves best, and the one that
leads at a place, are compared. A network that learnt little, or whose classes differ in a small detail, may have a class that a small patch reaches by nature.
A trigger that was planted at random places counts less than one with a place of its own.

## Paper
Wang et al., *Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks*, IEEE S&P 2019, for the inversion;
Brown et al., *Adversarial Patch*, 2017, for patches that serve all images; Rao, Stutz & Schiele, *Adversarial Training against
Location-Optimized Adversarial Patches*, ECCVW 2020, for the search of the place.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)

_STAGES = "trying places", "trying places on other images"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniversalPatch:
    """Find the places where a patch serves each class, make the patches small and compare their sizes.

    Attributes:
        restarts: Places per class at which the patch is made small, one if it is large; one more in the full profile.
        steps: Optimiser steps of each; more in the full profile.
        images: Images per step at most; more in the full profile, fewer of large pictures.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    restarts: int = integer("universal-patch.restarts")
    steps: int = integer("universal-patch.steps")
    images: int = integer("universal-patch.images")

    def run(self, context: Context) -> Evidence:
        """Try every place, make the patches small at the best ones; see what a suspicious one does beside its place."""
        settings = self._settings(context)
        labels = classes_to_survey(context.classifier, context.pools.pool(0), context.seed)
        if not (context.is_full or context.is_long):
            for each in _SCREEN.contexts(context):
                look = _look(each, labels)
                if look.is_clear:
                    return Reach.SHORT.told(look.evidence(context))
            if context.effort is Effort.SHORT:
                return Reach.CUT.told(look.evidence(context))
        return self._searched(context, labels, settings)

    def passes(self, context: Context) -> Passes:
        """Return what the looks and a survey of all places need."""
        shape, settings = context.classifier.input_shape, self._settings(context)
        classes = number_to_search(context.classifier.num_classes, *_most_to_survey(context.classifier))
        small = min(classes, _ALL_UP_TO)
        first, judges = _first_plan(shape, classes)
        look = passes_at_best_places(first, classes) + affordable(_SCREEN.settings, context).passes(small)
        look += FORWARD * judges * classes * len(first.corners(*shape[:2]))
        whole = plan_of(shape, classes)
        longer = whole.passes(shape, classes) + affordable(settings, context).passes(small)
        return Passes(longer) if context.is_full else Passes(_SCREEN.looks * look, longer)

    def _settings(self, context: Context) -> Settings:
        restarts = 1 if _is_large(context.classifier.input_shape) else self.restarts
        return Settings(restarts=restarts, steps=self.steps, images=self.images)

    def _searched(self, context: Context, labels: NDArray[np.int64], settings: Settings) -> Evidence:
        """Return what steps at every place find."""
        found = _scanned(context, labels, 0)
        place = _leading(context, found)
        chosen = _classes_to_make_small(found, place)
        count = affordable(settings, context).restarts
        form = LocalPatch({int(label): found.spots(int(label), count) for label in chosen})
        # One kind of images: on another, which the network knows less, planted patches are larger and others come within reach.
        examination = examine(context, form, settings, LOCAL_SCALE, chosen, kinds=1)
        place = _held(context, place, found, examination)
        evidence = to_evidence("universal-patch", _RULE, examination, form, context, place)
        # Most classes have no patch of this kind: that is no doubt. Whether the images serve, Neural Cleanse says.
        return replace(evidence, paper_statistic=None, inconclusive=_doubt(place, examination))


DETECTOR = UniversalPatch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a short look found: what patches do at every place, who leads at one, and the patches made small."""

    found: PatchScan
    place: LocationLead | None
    form: LocalPatch
    examination: Examination

    @property
    def is_clear(self) -> bool:
        """Whether nothing calls for a longer search."""
        return _SCREEN.clears(self.examination) and not (self.place and self.place.size >= _WORTH)

    def evidence(self, context: Context) -> Evidence:
        """Return it as evidence."""
        evidence = to_evidence("universal-patch", _RULE, self.examination, self.form, context)
        return replace(evidence, paper_statistic=None, inconclusive="")


def _look(context: Context, labels: NDArray[np.int64]) -> _Look:
    """Look for places with one gradient, and make the patches at the best ones small."""
    context.progress("screening places", 0, 1, f"{len(labels)} classes")
    plan, judges = _first_plan(context.classifier.input_shape, len(labels))
    found = screen_patches(context.classifier, context.pools.pool(0), labels, plan, judges, context.seed)
    place = _leading(context, found)
    chosen = _classes_to_make_small(found, place)
    form = LocalPatch({int(label): found.spots(int(label), 1) for label in chosen})
    examination = examine(context, form, _SCREEN.settings, LOCAL_SCALE, chosen, kinds=1)
    return _Look(found=found, place=place, form=form, examination=examination)


def _scanned(context: Context, labels: NDArray[np.int64], index: int) -> PatchScan:
    """Try every place with the classes, on the images of one pool."""

    def progress(done: int, total: int) -> None:
        context.progress(_STAGES[index], done, total, f"{len(labels)} classes")

    plan = plan_of(context.classifier.input_shape, len(labels))
    return scan_patches(context.classifier, context.pools.pool(index), labels, plan, context.seed, progress)


def _leading(context: Context, found: PatchScan) -> LocationLead | None:
    """Return the class that owes most to one place, if that can be said."""
    # The windows of a large picture do not overlap: what lies between two of them would count for less.
    if _is_large(context.classifier.input_shape):
        return None
    return leading(found, context.classifier.num_classes)


def _classes_to_make_small(found: PatchScan, place: LocationLead | None) -> NDArray[np.int64]:
    """Return all classes if they are few, else those that a patch serves best and the one that leads at a place, ascending."""
    if len(found.labels) <= _ALL_UP_TO:
        return found.labels
    served = found.most_suspicious(_SOME)
    return served if place is None else np.union1d(served, place.label)


def _held(
    context: Context, place: LocationLead | None, found: PatchScan, examination: Examination
) -> LocationLead | None:
    """Return the class that leads at one place, seen on other images as well where the verdict may turn on it."""
    smallest, indices = int(examination.found.labels[examination.leader]), examination.class_indices
    if place is None or context.pools.count < 2 or not place.is_in_question(smallest, float(indices.max())):
        return place
    return place.beside(_scanned(context, found.labels, 1))


def _doubt(place: LocationLead | None, examination: Examination) -> str:
    """Return why the evidence cannot clear the model: a class leads by far at one place, and no patch there makes use of it."""
    if place is None or not place.overrules(float(examination.class_indices.max())):
        return ""
    if examination.found.position(place.label) is not None:
        return ""
    return (
        f"Class {place.label} owes far more to one place of the picture than any class of a clean network, but no patch "
        "was found there that works. Give images with --data, or use --profile full."
    )


def classes_to_survey(classifier: Classifier, pool: Pool, seed: int) -> NDArray[np.int64]:
    """Return the classes to try every place with, ascending: all if they are few and the picture is not large.

    Args:
        classifier: The network.
        pool: Images that stand in for a data set.
        seed: Of the classes that are chosen at random.
    """
    most, some = _most_to_survey(classifier)
    return classes_to_search(classifier, pool, seed, most, some)


def _most_to_survey(classifier: Classifier) -> tuple[int, int]:
    return (_SOME_OF_LARGE, _SOME_OF_LARGE) if _is_large(classifier.input_shape) else (ALL_UP_TO, SOME)


def _is_large(shape: tuple[int, int, int]) -> bool:
    return shape[0] * shape[1] > _LARGE


def _first_plan(shape: tuple[int, int, int], classes: int) -> tuple[Plan, int]:
    """Return how the first look goes, and on how many images of each class every place is tried."""
    side = _side(shape)
    steps, images, judges = _FIRST_LOOK
    part, whole, at_every_place = _FIRST_WINDOWS[2 if _is_large(shape) else classes > _ALL_UP_TO]
    stride = max(1, side * part // whole)
    return Plan(side=side, stride=stride, steps=steps, images=images, judges=judges), at_every_place


def plan_of(shape: tuple[int, int, int], classes: int) -> Plan:
    """Return how closely to look: windows that overlap by half, as far as the work allows.

    Args:
        shape: Of the picture, ``(h, w, c)``.
        classes: How many are looked for.
    """
    side = _side(shape)
    plans = (
        Plan(side=side, stride=max(1, side * part // whole), steps=steps, images=images, judges=judges)
        for part, whole, steps, images, judges in _PLANS
    )
    *finer, coarsest = plans
    return next((plan for plan in finer if _work(plan, shape, classes) <= _PIXELS), coarsest)


def _side(shape: tuple[int, int, int]) -> int:
    length = min(shape[:2])
    return min(length, max(_SMALLEST_SIDE, round(length * _WINDOW)))


def _work(plan: Plan, shape: tuple[int, int, int], classes: int) -> int:
    """Return the pixels that a survey looks at."""
    height, width, _ = shape
    images = _COST_OF_A_STEP * plan.steps * plan.images + plan.judges
    return len(plan.corners(height, width)) * classes * images * height * width
