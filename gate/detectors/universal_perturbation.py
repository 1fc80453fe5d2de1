"""Universal perturbation: a class that one faint image, added to every picture, can reach is probably a backdoor's target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion.evidence import to_evidence
from gate.detectors.inversion.examination import Screen, passes, screened
from gate.detectors.inversion.search import Settings
from gate.detectors.inversion.triggers import Perturbation
from gate.detectors.scoring.calibration import PERTURBATION_SCALE
from gate.detectors.shared.candidates import classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, record
from gate.detectors.shared.contract import Context, Passes

_SCREEN = Screen(**record("universal-perturbation.screen"))

_RULE = Rule(
    id="BD105",
    name="anomalous-perturbation",
    summary="One class can be reached from all images by a far fainter change than the others.",
    page=f"""\
## Looks for
For every class, the faintest image that, added to pictures of all other classes, sends them there. A mask is not
needed: this follows triggers that cover the whole picture, such as blends, waves, warps and faint patches, which
Neural Cleanse measures as large.

## Needs
Nothing but the model. Without images the gate draws some itself and refines them until the network takes them for
its classes; with `--data` it uses yours.

## Decides by
The anomaly index: how far the faintest perturbation's log L2 norm lies below the median class, against the spread of
clean models, scaled so that at most 1 % of clean models exceed {LIMIT} for their number of classes. If a class
is suspicious, it is searched again on another kind of images, beside the others or some of them. The indices are
averaged by how much the network knows about each kind. Where three classes stand out it is lowered, and where other
classes' perturbations, cut to the leader's size, reach theirs in a quarter of the cases or more.

## If it fires
Look at the recovered pattern, amplified in the picture. Ask where the model and its training data come from, and
train it again from data that you trust. Until then do not deploy it.

## Known limits
Made for backdoors that send everything to one class. It does not see all-to-all and source-specific backdoors. A clean
class that any texture can reach may be blamed; a network with few classes says little about what is usual.

## Paper
Moosavi-Dezfooli et al., *Universal Adversarial Perturbations*, CVPR 2017; Tao et al., *Better Trigger Inversion
Optimization in Backdoor Scanning*, CVPR 2022, for inversion without a mask.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniversalPerturbation:
    """Search the faintest universal perturbation of each class and compare their norms.

    Attributes:
        restarts: Searches per class; one more in the full profile.
        steps: Optimiser steps of each search; more in the full profile.
        images: Images per step at most; more in the full profile, fewer of large pictures.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = True

    restarts: int = integer("universal-perturbation.restarts")
    steps: int = integer("universal-perturbation.steps")
    images: int = integer("universal-perturbation.images")

    def run(self, context: Context) -> Evidence:
        """Search every class; look again at a suspicious leader on other kinds of images."""
        form = Perturbation()
        labels = classes_to_search(context.classifier, context.pools.pool(0), context.seed)
        examination, reach = screened(context, form, self._settings, PERTURBATION_SCALE, labels, _SCREEN)
        evidence = to_evidence("universal-perturbation", _RULE, examination, form, context)
        # The paper's index is of patches. And many classes of a large network have no faint way to them at all: that is no
        # doubt, unless none has; a class that has one leads by far.
        is_any = np.isfinite(examination.found.norms).any()
        evidence = replace(
            evidence, paper_statistic=None, inconclusive="" if is_any else evidence.inconclusive
        )
        return reach.told(evidence)

    def passes(self, context: Context) -> Passes:
        """Return what a short look and the long search need."""
        return passes(context, self._settings, number_to_search(context.classifier.num_classes), _SCREEN)

    @property
    def _settings(self) -> Settings:
        return Settings(restarts=self.restarts, steps=self.steps, images=self.images)


DETECTOR = UniversalPerturbation
