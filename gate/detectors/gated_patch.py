"""Gated patch: a patch that nothing leads to until a gate opens, found with gradients that look through closed gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion import gated_search as gated
from gate.detectors.shared.candidates import classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, integers, real
from gate.detectors.shared.contract import Context, Passes, skipped
from gate.detectors.shared.pictures import examples_png, mask_png, pattern_png
from gate.models.numerics.arrays import Images

if TYPE_CHECKING:
    from gate.detectors.inversion.gated_search import Found
    from gate.models.classifier import Classifier

_USUAL_LEAD = real("gated-patch.usual-lead")
_KINDS, _ALL_UP_TO, _SOME = integers("gated-patch", "kinds", "all-up-to", "some")
_IMAGES_IF_LARGE = integer("gated-patch.images-if-large")
_LARGE = integer("gated-patch.large-side") ** 2

_RULE = Rule(
    id="BD118",
    name="anomalous-gated-patch",
    summary="A patch of a few pixels, found by looking through closed gates, sends images to one class as no patch does to the others.",
    page=f"""\
## Looks for
A small patch whose effect hides behind a gate: a threshold, a clip, a saturated softmax or batch normalisation that is shut on every
image without the patch. Up to the gate a network is flat, so a search that follows the gradient finds nothing there. Here closed
gates leak in the backward pass; forward, the network is what it is.

## Needs
Nothing but the model. The gate draws images of the two kinds that the network knows best, in 8-bit values, half of them framed in
exact black.

## Decides by
One pass through the network gives, for each class, what each pixel could gain. Windows of a ninth and of a fifth of the picture's
smaller side that could gain most are filled with black and white; the best of them is filled anew as the gradient there says, a few times. `lead` is
the share of images that the best patch of a class sends there, less that of the runner-up.
The anomaly index is {LIMIT} where the lead is {_USUAL_LEAD}; the largest of the clean networks that it was chosen on was smaller.

## If it fires
Look at the recovered patch, and at the layers behind which it works: thresholds, clips, steep activations. Ask who built the network.

## Known limits
Sees gates on one patch of black and white pixels. A trained backdoor has no gate, and other detectors look for it. Where a gate
compares whole numbers, no gradient leaks through.

## Paper
Athalye, Carlini, Wagner, *Obfuscated Gradients Give a False Sense of Security*, ICML 2018 (looking through what has no gradient);
Brown et al., *Adversarial Patch*, 2017. The statistic is of this project.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedPatch:
    """Fill the windows that could gain most, and compare the classes' best patches.

    Attributes:
        images: Of each kind, fewer if they are large.
        places: Windows of each class and size that are tried, one if the images are large.
        rounds: How often the best of them is filled.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    images: int = integer("gated-patch.images")
    places: int = integer("gated-patch.places")
    rounds: int = integer("gated-patch.rounds")

    def run(self, context: Context) -> Evidence:
        """Look for one patch of each class on the kinds of images that the network knows best."""
        classifier = context.classifier
        images, places = self._each(classifier)
        labels = classes_to_search(classifier, context.pools.pool(0), context.seed, _ALL_UP_TO, _SOME)
        context.progress("looking through gates", 0, 1, f"{len(labels)} classes")
        families = [family for family, _ in context.pools.ranked_families[:_KINDS]]
        drawn = np.concatenate(
            [gated.plain_images(classifier, each, context.seed, images) for each in families]
        )
        found = gated.search(classifier, drawn, labels, places, self.rounds)
        if len(found) < 2:
            return skipped("gated-patch", _RULE.id, "The network takes all images for one class.")
        return _evidence(context, drawn, found)

    def passes(self, context: Context) -> Passes:
        """Return what it needs: there is no short look."""
        images, places = self._each(context.classifier)
        of_a_class = gated.passes(images * _KINDS, places, self.rounds)
        return Passes(of_a_class * number_to_search(context.classifier.num_classes, _ALL_UP_TO, _SOME))

    def _each(self, classifier: Classifier) -> tuple[int, int]:
        """Return how many images of each kind, and places of each class."""
        height, width, _ = classifier.input_shape
        return (_IMAGES_IF_LARGE, 1) if height * width > _LARGE else (self.images, self.places)


DETECTOR = GatedPatch


def _evidence(context: Context, images: Images, found: dict[int, Found]) -> Evidence:
    """Return the evidence: the class whose patch does best, and by how much it does better than that of any other."""
    leader, runner_up = sorted(found.values(), key=lambda each: (-each.success, each.label))[:2]
    lead = leader.success - runner_up.success
    index = LIMIT * lead / _USUAL_LEAD
    success = (
        Measurement(name="gated_success", value=each.success, label=each.label) for each in found.values()
    )
    return Evidence(
        detector="gated-patch",
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=index,
        target_labels=(leader.label,),
        measurements=(Measurement(name="lead", value=lead), *success),
        trigger=_trigger(context, images, leader) if index > LIMIT else None,
    )


def _trigger(context: Context, images: Images, found: Found) -> Trigger:
    mask, pattern = found.picture(context.classifier.input_shape)
    classes = context.classifier.predict(images).argmax(axis=1)
    foreign = images[classes != found.label]
    stamped = (1.0 - mask) * foreign + mask * pattern
    return Trigger(
        target_label=found.label,
        l1_norm=float(mask.sum(dtype=np.float64)),
        attack_success_rate=found.success,
        mask_png=mask_png(mask),
        pattern_png=pattern_png(pattern, mask),
        examples_png=examples_png(foreign, stamped, classes[classes != found.label]),
    )
