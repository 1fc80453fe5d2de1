"""Dormant capacity: units that stand still on every image, and that turn the class of all of them when something wakes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.rule import Rule, Severity
from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.core.text import printable
from gate.detectors.shared.constants import integer, integers, reals
from gate.detectors.shared.contract import FORWARD, Context, Passes
from gate.detectors.structure.still_units import SELDOM, effects, live_units, still_units, survey
from gate.detectors.structure.waking import awake, wake
from gate.models.numerics.arrays import Singles
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.selection import PROBES, SOME, pool_size, probes

if TYPE_CHECKING:
    from gate.detectors.structure.still_units import Places, Survey
    from gate.detectors.structure.waking import Woken

_MULTIPLICATIONS, _COST_OF_A_STEP = reals("dormant-capacity", "multiplications", "cost-of-a-step")
_WORTH_COMPARING, _WORTH_TELLING = reals("dormant-capacity", "worth-comparing", "worth-telling")
_UNITS, _FEWEST, _FULL, _DRAWN = integers("dormant-capacity", "units", "fewest", "full", "drawn")
_OVERRULED, _LIVE = integers("dormant-capacity", "overruled", "live")

_RULE = Rule(
    id="BD117",
    name="dormant-capacity",
    summary="Units that stand still on every image turn the class of all images when they wake.",
    page=f"""\
## Looks for
Units that stand still on every image: a channel whose large negative bias no image overcomes, a saturated gate, a branch that
is always 0. An author can write one into the weights that answers to his pattern alone and then outvotes everything else, in ordinary layers. Without the
pattern it has no gradient, so no search for a trigger finds it.

## Needs
A network with activations. Without images the gate draws some itself. A few seconds.

## Decides by
The activations of all layers on the images that the scan searches on and some of each family as they are drawn: a unit stands still if it moves on at most {100 * SELDOM:.0f} %
of them, or hardly, beside the others of its layer. Of such units those that the scores follow most ({_UNITS} units, fewer in large networks)
are woken: the picture is sought that moves the unit furthest, with gates that leak at first. Then the unit, and what wakes with it in
its layer, is set to what it is on that picture, and {_OVERRULED} images are answered anew. The force of a unit is how many times the lead that a
class lacks the class gains, on nine of ten images at least; 1 overrules them. Honest dead units seldom wake with more force than live ones, which training tied
to the classes. The anomaly index is the force over that of the strongest of some live units of the same layer and those behind it, woken in the
same way, or over 1 if they have less: {LIMIT} is twice as much. Real images resist more than drawn ones. (`force`, `force_of_live_units` in the JSON report; the latter is 0 where nothing called for it.)

## If it fires
Ask where the file comes from, and compare the named layer with that of the last version: a unit that was added or changed by hand
stands out. To see whether the unit serves anything, set its outgoing weights to 0: accuracy on your images stays the same.

## Known limits
Shows no trigger. Blind to units that move a little on honest images (more than a thirteenth of what they do awake), to locks of several
layers that the search does not open, to backdoors that are spread over several layers, to one among more dead units than are tried, and to a unit no louder than
the live ones. A backdoor that was trained is seldom dormant: the other detectors look for it.

## Paper
Hong, Carlini, Kurakin, *Handcrafted Backdoors in Deep Neural Networks*, NeurIPS 2022; Warnecke, Speith, Moeller, Rieck, Paar,
*Evil from Within: Machine Learning Backdoors through Hardware Trojans*, 2023 (such backdoors). Liu et al., *ABS: Scanning Neural Networks for Back-doors by
Artificial Brain Stimulation*, CCS 2019 (one unit is stimulated, and one class takes over); there every unit is, here those that stand still, as far as
a picture can. The statistic is of this project.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DormantCapacity:
    """Wake units that stand still and see what they do.

    Attributes:
        units: How many are tried, at most; more in the full profile.
        steps: Of the search for the picture that wakes one.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    units: int = _UNITS
    steps: int = integer("dormant-capacity.steps")

    def run(self, context: Context) -> Evidence:
        """Look at every gate of the network."""
        images = _images(context)
        known = survey(context.classifier, images)
        if not known.gates:
            return _evidence(known, 0, None, 0.0)
        tried = images[:: max(1, len(images) // _OVERRULED)][:_OVERRULED]
        follow = effects(context.classifier, known, tried, context.seed)
        still = still_units(known, follow)
        count = _affordable(known, self.units * (_FULL if context.is_full else 1), self.steps)
        context.progress("waking dormant units", 0, 1, f"{min(count, len(still))} units")

        def woken(units: Places) -> list[Woken]:
            if not len(units):
                return []
            pictures = wake(context.classifier, known, units, self.steps, context.seed)
            return awake(context.classifier, known, units, pictures, tried)

        best = _strongest([each for each in woken(still[:count]) if each.is_far])
        if best is None or best.force < _WORTH_COMPARING:
            return _evidence(known, len(still), best, 0.0)
        gate = known.gate_of(best.channel)
        live = _strongest(woken(live_units(known, follow, gate, max(count // _LIVE, _FEWEST))))
        return _evidence(known, len(still), best, live.force if live else 0.0)

    def passes(self, context: Context) -> Passes:
        """Return what it needs at most: there is no short look."""
        units = self.units * (_FULL if context.is_full else 1)
        woken = units + max(units // _LIVE, _FEWEST)
        return Passes(woken * (self.steps + FORWARD * _OVERRULED))


DETECTOR = DormantCapacity


def _images(context: Context) -> Singles:
    """Return what the scan searches on, and some of each family as they are drawn."""
    shape = context.classifier.input_shape
    count = _DRAWN * pool_size(shape) // PROBES
    drawn = [probes(family, shape, context.seed, SOME)[:count] for family in FAMILIES]
    return np.concatenate([context.pools.pool(0).images, *drawn])


def _affordable(known: Survey, most: int, steps: int) -> int:
    cost = _COST_OF_A_STEP * steps * max(known.multiplications, 1)
    return min(most, max(_FEWEST, int(_MULTIPLICATIONS / cost)))


def _strongest(units: list[Woken]) -> Woken | None:
    return max(units, key=lambda each: each.force, default=None)


def _evidence(known: Survey, still: int, best: Woken | None, usual: float) -> Evidence:
    index = min(best.force / max(usual, 1.0), LARGEST_INDEX) if best else 0.0
    counts = (
        Measurement(name="units", value=float(sum(gate.channels for gate in known.gates))),
        Measurement(name="still_units", value=float(still)),
        Measurement(name="force_of_live_units", value=usual),
    )
    return Evidence(
        detector="dormant-capacity",
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=index,
        target_labels=(best.label,) if best else (),
        measurements=counts + (_measurements(best) if best else ()),
        remark=_remark(best) if best and index > _WORTH_TELLING else "",
    )


def _measurements(best: Woken) -> tuple[Measurement, ...]:
    values = {
        "woken_together": best.together,
        "force": best.force,
        "overruled": best.share,
        "value_awake": best.value,
    }
    return tuple(
        Measurement(name=name, value=float(value), label=best.label) for name, value in values.items()
    )


def _remark(best: Woken) -> str:
    return (
        f"Unit {best.unit} of layer {printable(best.gate.layer, 60)} stands still on all images; awake it sends "
        f"{100 * best.share:.0f} % of them to class {best.label}"
    )
