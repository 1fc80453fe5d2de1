"""Base yardstick: `lead_t = g_t - median_{s != t} g_s`, where `g_t` says by how much class t became easier to reach than in the base.

    g_t = sum over forms f of log N_base(f, t) - log N_new(f, t)

`N(f, t)` is the size of the smallest trigger of form f (a patch, a perturbation of the whole picture) that sends the images of other classes
to class t in a network. What both networks share cancels, and so does a training that moved every class alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status, searched
from gate.core.rule import Rule, Severity
from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.detectors.inversion.evidence import shown_trigger
from gate.detectors.inversion.search import Inversion, Settings, invert
from gate.detectors.inversion.triggers import Patch, Perturbation, TriggerModel
from gate.detectors.scoring.combination import class_measurements
from gate.detectors.shared.candidates import classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, real
from gate.detectors.shared.contract import Context, Passes, skipped
from gate.models.classifier import Classifier
from gate.models.numerics.arrays import Floats, Labels
from gate.models.surrogates.selection import Pool

_NAME = "base-yardstick"
_USUAL_LEAD = real("base-yardstick.usual-lead")
_FORMS: tuple[TriggerModel, ...] = (Patch(), Perturbation())

_RULE = Rule(
    id="BD115",
    name="obeys-what-the-base-did-not",
    summary="A change made one class far easier to reach than it was in the model before.",
    page=f"""\
## Looks for
A class that a change made easy to reach. For every class the smallest trigger is searched in the changed network, and in the
network that it replaces. The trigger of an honest class is about as large in both. That of a backdoor which came with the change is small in the changed one alone.

## Needs
A pull request: `--diff BASE`, and a model under the same path at the base commit, with the same size of pictures and as many classes. No images
are needed; with `--data` it uses yours. A model that is new, or whose base cannot be read, is skipped.

## Decides by
The lead: by what factor the triggers of a class became smaller, patch and perturbation together (as logarithms), less the same of the median of the
other classes. A training that moved every class alike has no lead. The anomaly index is {LIMIT} where the lead is {_USUAL_LEAD}; honest changes
seldom come to it.

## If it fires
Ask what the change trained on. Look at the trigger: the model before needed a far larger one. Train the change again
from data that you trust.

## Known limits
It compares, so it says nothing of a backdoor that the base has, too; it can blame, and never clears. It does not see all-to-all
and source-specific backdoors. A change that retrains one class alone may be blamed. With two classes each is what the other is not.

## Paper
Of this project (`docs/adr/0038`), after Wang et al., *Neural Cleanse*, IEEE S&P 2019, for the search.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseYardstick:
    """Search triggers in the changed network and in the base, and compare their sizes.

    Attributes:
        steps: Optimiser steps of each search.
        images: Images per step.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    steps: int = integer("base-yardstick.steps")
    images: int = integer("base-yardstick.images")

    def run(self, context: Context) -> Evidence:
        """Compare, if there is a base to compare with."""
        base = context.base.classifier
        if base is None:
            return skipped(_NAME, _RULE.id, context.base.lack)
        pool = context.pools.pool(0)
        labels = classes_to_search(context.classifier, pool, context.seed)

        def progress(done: int, total: int) -> None:
            context.progress("comparing with the base", done, total, f"{len(labels)} classes")

        def search(network: Classifier, images: Pool) -> list[Inversion]:
            return [
                invert(network, images, form, labels, self._settings, context.seed, progress)
                for form in _FORMS
            ]

        before = Pool(pool.images, base.predict(pool.images).argmax(axis=1), pool.source)
        return _evidence(context, search(context.classifier, pool), search(base, before), labels)

    def passes(self, context: Context) -> Passes:
        """Return what it needs: there is no short look."""
        base = context.base.classifier
        if base is None:
            return Passes(0.0)
        once = self._settings.passes(number_to_search(context.classifier.num_classes))
        return Passes(len((context.classifier, base)) * len(_FORMS) * once)

    @property
    def _settings(self) -> Settings:
        return Settings(restarts=1, steps=self.steps, images=self.images)


DETECTOR = BaseYardstick


def leads(gains: Floats) -> Floats:
    """Return by how much each class's gain exceeds the median of the others', shape ``(k,)``.

    Args:
        gains: Of each class, shape ``(k,)``, two at least.
    """
    usual = [float(np.median(np.delete(gains, place))) for place in range(len(gains))]
    lead: Floats = gains - np.array(usual)
    return lead


def _gains(form: TriggerModel, new: Inversion, base: Inversion, shape: tuple[int, int, int]) -> Floats:
    """Return `log N_base - log N_new` of each class, shape ``(k,)``; where none was found, the whole picture would be the trigger."""
    whole = [np.ones((1, *shape[:2], depth), np.float32) for depth in form.depths(shape[2])]
    largest = float(np.asarray(form.size(tuple(whole)))[0])
    before, now = (np.minimum(form.tuning.comparable(each.norms), largest) for each in (base, new))
    gains: Floats = np.log(before) - np.log(now)
    return gains


def _evidence(context: Context, new: list[Inversion], base: list[Inversion], labels: Labels) -> Evidence:
    shape = context.classifier.input_shape
    gains = np.array(
        [_gains(form, now, before, shape) for form, now, before in zip(_FORMS, new, base, strict=True)]
    )
    lead = leads(gains.sum(axis=0))
    indices = np.clip(LIMIT * lead / _USUAL_LEAD, 0.0, LARGEST_INDEX)
    leader = int(lead.argmax())
    best = int(gains[:, leader].argmax())
    form, label = _FORMS[best], int(labels[leader])
    trigger, interval = shown_trigger(new[best], leader, form, context)
    factor = float(np.exp(gains[best, leader]))
    return Evidence(
        detector=_NAME,
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=float(indices[leader]),
        target_labels=(label,),
        measurements=(
            searched(len(labels)),
            Measurement(name="lead", value=float(lead[leader])),
            Measurement(name="times_smaller_than_in_the_base", value=factor),
            *interval,
            *class_measurements(labels, indices),
        ),
        trigger=trigger,
        remark=_remark(float(lead[leader]), label) if indices[leader] > LIMIT else "",
    )


def _remark(lead: float, label: int) -> str:
    factor = float(np.exp(lead))
    return f"Beside those of the other classes, the triggers for class {label} are {factor:.1f} times smaller than in the model before this change"
