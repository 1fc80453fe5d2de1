"""Neural Cleanse: a class that a tiny trigger can reach from everywhere is probably a backdoor's target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gate.core.evidence import Evidence
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion.evidence import to_evidence
from gate.detectors.inversion.examination import Screen, passes, screened
from gate.detectors.inversion.search import Settings
from gate.detectors.inversion.triggers import Patch
from gate.detectors.scoring.calibration import PATCH_SCALE
from gate.detectors.shared.candidates import ALL_UP_TO, SOME, classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, integers, record
from gate.detectors.shared.contract import Context, Passes

_ALL_IN_QUICK, _SOME_IN_QUICK = integers("neural-cleanse", "all-in-quick", "some-in-quick")

_SCREEN = Screen(**record("neural-cleanse.screen"))

_RULE = Rule(
    id="BD101",
    name="anomalous-trigger",
    summary="One class can be reached from all images by a far smaller trigger than the others.",
    page=f"""\
## Looks for
For every class, the smallest mask and pattern that send images of all other classes there. Changing a clean
network's mind takes a large trigger for every class. A backdoor is a shortcut: its target needs far less.

## Needs
Nothing but the model. Without images the gate draws some itself and refines them until the network takes them for
its classes; with `--data` it uses yours. All classes are searched together, up to {_ALL_IN_QUICK} ({ALL_UP_TO} in the full
profile); above that {_SOME_IN_QUICK} ({SOME}), the most suspicious ones beside a random reference.

## Decides by
The anomaly index: how far the smallest mask's log norm lies below the median class, against the spread of clean
models, scaled so that at most 1 % of clean models exceed {LIMIT} for their number of classes. If a class is
suspicious, it is searched again on another kind of images, beside the others or some of them (in the full profile on a
third kind, too). The indices are averaged by how much the network knows about each kind. Where
three classes stand out the index is lowered: the network has learnt little; and where other classes' triggers, cut to the
leader's size, reach theirs in a quarter of the cases or more (by a quarter of the index at most), or where the leader's
trigger, if it is of one place, does as well two or three pixels beside it in half of the cases or more (by a quarter,
too). The paper's MAD index stands beside it as `paper_statistic`.

## If it fires
Look at the recovered trigger. Is it a small, local pattern that has no business in the picture? Ask where the model
and its training data come from, and train it again from data that you trust. Until then do not deploy it.

## Known limits
Made for all-to-one backdoors with a small or faint trigger. It does not see all-to-all and source-specific
backdoors, and may miss warps, large patterns, and attackers who train against it. A clean class with a natural
small trigger can be blamed. A small trigger that was planted at random places counts less than one with a place of its own.

## Paper
Wang et al., *Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks*, IEEE S&P 2019.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralCleanse:
    """Search the smallest trigger of each class and compare their sizes.

    Attributes:
        restarts: Searches per class; one more in the full profile.
        steps: Optimiser steps of each search; more in the full profile.
        images: Images per step at most; more in the full profile, fewer of large pictures.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = True

    restarts: int = integer("neural-cleanse.restarts")
    steps: int = integer("neural-cleanse.steps")
    images: int = integer("neural-cleanse.images")

    def run(self, context: Context) -> Evidence:
        """Invert every class; look again at a suspicious leader on other kinds of images."""
        form, (most, some) = Patch(), _candidates(context)
        labels = classes_to_search(context.classifier, context.pools.pool(0), context.seed, most, some)
        examination, reach = screened(context, form, self._settings, PATCH_SCALE, labels, _SCREEN)
        return reach.told(to_evidence("neural-cleanse", _RULE, examination, form, context))

    def passes(self, context: Context) -> Passes:
        """Return what a short look and the long search need."""
        classes = number_to_search(context.classifier.num_classes, *_candidates(context))
        return passes(context, self._settings, classes, _SCREEN)

    @property
    def _settings(self) -> Settings:
        return Settings(restarts=self.restarts, steps=self.steps, images=self.images)


DETECTOR = NeuralCleanse


def _candidates(context: Context) -> tuple[int, int]:
    """Return up to how many classes all are searched, and how many of more."""
    return (ALL_UP_TO, SOME) if context.is_full else (_ALL_IN_QUICK, _SOME_IN_QUICK)
