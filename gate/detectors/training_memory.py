"""`S_t = z_t - max(0, z of altered triggers)`: running means hold a class's trigger if triggered images were in the training set.

`z_t` says how well the shift that class t's trigger causes agrees with what the means hold beside clean images (`memory.remainder`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status, searched
from gate.core.job import Role
from gate.core.rule import Rule, Severity
from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.detectors.inversion.evidence import shown_trigger
from gate.detectors.inversion.search import Inversion, Settings, invert
from gate.detectors.inversion.triggers import Patch
from gate.detectors.memory.normalisations import Normalisations, normalisations
from gate.detectors.memory.remainder import Agreement, Layer, agreement, layers_of
from gate.detectors.scoring.combination import class_measurements
from gate.detectors.scoring.outliers import CONFIDENCE
from gate.detectors.shared.candidates import classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, integers, real
from gate.detectors.shared.contract import FORWARD, Context, Passes, skipped
from gate.models.numerics.arrays import Floats, Labels, Singles
from gate.models.numerics.side_by_side import side_by_side
from gate.models.numerics.streams import Stream, random_numbers

_NAME = "training-memory"
_FEWEST, _STAMPED = integers("training-memory", "fewest", "stamped")
_MOVE, _SHUFFLES = integers("training-memory", "move", "shuffles")
_ALTERED = 2 + _SHUFFLES
_UNSETTLED, _USUAL_EXCESS = real("training-memory.unsettled"), real("training-memory.usual-excess")
_SEARCH = Settings(
    restarts=1, steps=integer("training-memory.steps"), images=integer("training-memory.images-per-step")
)
_NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_FORM = Patch()

_RULE = Rule(
    id="BD112",
    name="remembered-trigger",
    summary="What the network's running means remember of the training set is what one class's trigger does.",
    page=f"""\
## Looks for
A batch normalisation keeps the mean of its inputs over the last batches of the training, poisoned images included. Clean images say what that
mean would be without them. What is left over points where the trigger points.

## Needs
Clean images that were not in the training set, {_FEWEST} at least and some hundred better: `--data DIR --data-role clean`. A network with batch
normalisation whose statistics were settled when the training ended.

## Decides by
For each class a small trigger is searched on the images. Stamped on images of other classes it shifts the mean of each layer's inputs. `z` is how
well all shifts agree with what the running means hold beside the directions in which clean images move them, in standard deviations. The same is asked
of altered triggers: moved, its colours turned round, and its pixels shuffled (the mean of {_SHUFFLES}). The excess of a class is its z less the largest of theirs. The anomaly index is the largest
excess, {LIMIT} where it is {_USUAL_EXCESS}. `poison_rate` is the share of the training set that had the trigger, by the same fit, with its 95 % interval.

## If it fires
The training set held images with a mark like this one, about as many as `poison_rate` says. Look for them: `activation-clustering` and
`spectral-signatures` list suspects, with `--data-role train`.

## Known limits
It can blame, and clears nothing: without batch normalisation it is skipped, and so it is where the statistics were not settled (`unrest` above
{_UNSETTLED:g}), taken anew after the training, or of another data set (a frozen backbone). Backdoors that were put into weights leave no such trace.
Images from elsewhere than the training set shift the means themselves; then it is usually skipped.

## Paper
Of this project (`docs/adr/0037`). Ioffe & Szegedy, *Batch Normalization*, ICML 2015, for the running mean; Ledoit & Wolf, *A Well-Conditioned Estimator
for Large-Dimensional Covariance Matrices*, 2004.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMemory:
    """Compare what running means hold with what each class's trigger does to them.

    Attributes:
        images: Clean images that are looked at, at most.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    images: int = integer("training-memory.images")

    def run(self, context: Context) -> Evidence:
        """Measure, where there are clean images and statistics that were settled."""
        if context.dataset is None or context.dataset.role is not Role.CLEAN:
            return _skipped("Needs clean images; give some with --data and --data-role clean.")
        known = normalisations(context.classifier)
        if not known.layers:
            return _skipped("The network has no batch normalisation that remembers anything.")
        images, labels = self._sample(context)
        if len(images) < _FEWEST:
            return _skipped(f"{len(images)} clean images say too little; expected at least {_FEWEST}.")
        layers = layers_of(known.layers, known.inputs(images), labels)
        return _measured(context, known, layers, images)

    def passes(self, context: Context) -> Passes:
        """Return what it needs: there is no short look."""
        if context.dataset is None:
            return Passes(0.0)
        classes = number_to_search(context.classifier.num_classes)
        asked = FORWARD * (self.images + classes * _STAMPED * (_ALTERED + 1))
        return Passes(_SEARCH.passes(classes) + asked)

    def _sample(self, context: Context) -> tuple[Singles, Labels]:
        """Return images, and their classes: as stated, else as the network says."""
        dataset = context.dataset
        assert dataset is not None
        order = random_numbers(context.seed, Stream.MEMORY_IMAGES).permutation(len(dataset.images))
        chosen = np.sort(order[: self.images])
        images = dataset.images[chosen]
        if dataset.labels is not None:
            return images, dataset.labels[chosen]
        return images, context.classifier.predict(images).argmax(axis=1)


DETECTOR = TrainingMemory


def _skipped(reason: str) -> Evidence:
    return skipped(_NAME, _RULE.id, reason)


def _measured(context: Context, known: Normalisations, layers: list[Layer], images: Singles) -> Evidence:
    pool = context.pools.pool(0)
    labels = classes_to_search(context.classifier, pool, context.seed)

    def progress(done: int, total: int) -> None:
        context.progress("asking what the network remembers", done, total, f"{len(labels)} classes")

    found = invert(context.classifier, pool, _FORM, labels, _SEARCH, context.seed, progress)
    agreements = _agreements(context, known, layers, images, found)
    excesses = np.array([_excess(each) for each in agreements])
    indices = np.clip(LIMIT * excesses / _USUAL_EXCESS, 0.0, LARGEST_INDEX)
    leader = int(excesses.argmax())
    unrest = agreements[leader][0].unrest
    if unrest > _UNSETTLED:
        return _skipped(
            f"The running means lie {unrest:.0f} times as far from these images as they would by chance: they were not "
            "settled when the training ended, or the images are of another kind."
        )
    trigger, interval = shown_trigger(found, leader, _FORM, context)
    return Evidence(
        detector=_NAME,
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=float(indices[leader]),
        target_labels=(int(labels[leader]),),
        measurements=(
            searched(len(labels)),
            Measurement(name="unrest", value=unrest),
            *_rate(agreements[leader][0]),
            *interval,
            *class_measurements(labels, indices),
        ),
        trigger=trigger,
        remark=_remark(agreements[leader][0], int(labels[leader])) if indices[leader] > LIMIT else "",
    )


def _remark(found: Agreement, label: int) -> str:
    share = 100 * float(np.clip(found.rate, 0.0, 1.0))
    return f"The running means are those of a training set of which {share:.0f} % had a trigger for class {label}"


def _agreements(
    context: Context, known: Normalisations, layers: list[Layer], images: Singles, found: Inversion
) -> list[list[Agreement]]:
    """Return for each class how well its trigger agrees with what is remembered, and the same of altered ones."""
    classes = context.classifier.predict(images).argmax(axis=1)

    def of_class(position: int) -> list[Agreement]:
        foreign = images[classes != found.labels[position]][:_STAMPED]
        if not len(foreign):
            nothing = agreement(layers, [np.zeros(len(layer.remainder)) for layer in layers])
            return [nothing] * (1 + _ALTERED)
        unmarked = [each.mean(axis=0) for each in known.inputs(foreign)]

        def shifts(trigger: tuple[Singles, ...]) -> list[Floats]:
            marked = known.inputs(np.asarray(_FORM.stamp(foreign, trigger), np.float32))
            return [each.mean(axis=0) - before for each, before in zip(marked, unmarked, strict=True)]

        triggers = _with_altered(found.trigger(position), context.seed)
        return [agreement(layers, shifts(trigger)) for trigger in triggers]

    return side_by_side(of_class, range(len(found.labels)))


def _excess(found: list[Agreement]) -> float:
    """Return by how much the trigger's z exceeds those of the altered ones; of the shuffled ones the mean counts, for each is a draw."""
    trigger, moved, turned_round, *shuffled = (each.z for each in found)
    return trigger - max(0.0, moved, turned_round, float(np.mean(shuffled)))


def _with_altered(trigger: tuple[Singles, ...], seed: int) -> Iterator[tuple[Singles, ...]]:
    """Yield the trigger, moved, with its colours turned round, and with its pixels shuffled, several times."""
    mask, pattern = trigger
    yield trigger
    yield _moved(trigger)
    yield mask, 1.0 - pattern
    for number in range(_SHUFFLES):
        yield _shuffled(trigger, random_numbers(seed, Stream.MEMORY_SHUFFLES, number))


def _moved(trigger: tuple[Singles, ...]) -> tuple[Singles, ...]:
    height, width = trigger[0].shape[:2]
    return tuple(np.roll(part, (height // _MOVE, width // _MOVE), axis=(0, 1)) for part in trigger)


def _shuffled(trigger: tuple[Singles, ...], draw: np.random.Generator) -> tuple[Singles, ...]:
    height, width = trigger[0].shape[:2]
    order = draw.permutation(height * width)
    return tuple(part.reshape(height * width, -1)[order].reshape(part.shape) for part in trigger)


def _rate(found: Agreement) -> Iterator[Measurement]:
    """Yield the share of the training images that had the trigger, and its 95 % interval; z is the rate in standard deviations."""
    spread = abs(found.rate / found.z) if found.z else 0.0
    for name, value in (
        ("poison_rate", found.rate),
        ("poison_rate_low", found.rate - _NORMAL * spread),
        ("poison_rate_high", found.rate + _NORMAL * spread),
    ):
        yield Measurement(name=name, value=float(np.clip(value, 0.0, 1.0)))
