"""An examination in the words of the report: evidence with its numbers, pictures and doubts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import TRIGGER_NORM, Evidence, Measurement, Status, Trigger, searched
from gate.core.rule import Rule
from gate.detectors.inversion.confirmation import DECOYS, MOVED, confirm
from gate.detectors.inversion.examination import Examination
from gate.detectors.inversion.location_lead import LocationLead
from gate.detectors.inversion.search import Inversion
from gate.detectors.inversion.triggers import TriggerModel
from gate.detectors.scoring.calibration import (
    ENOUGH,
    at_other_places,
    beside_decoys,
    beside_its_place,
    standing_out,
)
from gate.detectors.scoring.combination import class_measurements
from gate.detectors.scoring.outliers import log_gap, paper_index, spread_below, wilson_interval
from gate.detectors.shared.contract import Context
from gate.detectors.shared.pictures import examples_png, mask_png, pattern_png

_NAMES = ("index_on_search_images", "index_on_second_images", "index_on_third_images")
_NORMS = (TRIGGER_NORM, "trigger_norm_on_second_images", "trigger_norm_on_third_images")


def to_evidence(
    detector: str,
    rule: Rule,
    examination: Examination,
    form: TriggerModel,
    context: Context,
    place: LocationLead | None = None,
) -> Evidence:
    """Return the evidence of a detector that compares the sizes of its classes' triggers: elect, confirm, reweigh, write.

    A class that leads at one place by far, and whose patch comes to nothing, hides no other: then it is elected without it.

    Args:
        detector: Its id.
        rule: Its rule.
        examination: What it found.
        form: What its triggers look like.
        context: The model and its images.
        place: The class that owes most to one place, if that was asked.
    """
    case, indices = _weighed_case(examination, form, context, place)
    if case.leader not in (examination.leader, int(indices.argmax())):
        case, indices = _weighed_case(examination, form, context, None)
    return _written(detector, rule, case, indices, is_local=form.tuning.is_local)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A class that was looked at, and what speaks for and against it.

    Attributes:
        examination: Of all classes.
        num_classes: Of the network.
        place: The class that owes most to one place; None if that was not asked, or does not count.
        leader: Position of the class that was looked at.
        trigger: Its trigger; None if it has none.
        interval: Of the trigger's success.
        facts: What else is known of the trigger.
    """

    examination: Examination
    num_classes: int
    place: LocationLead | None = None
    leader: int
    trigger: Trigger | None = None
    interval: tuple[Measurement, ...] = ()
    facts: tuple[Measurement, ...] = ()


def _weighed_case(
    examination: Examination, form: TriggerModel, context: Context, place: LocationLead | None
) -> tuple[Case, NDArray[np.float64]]:
    case = confirmed(examination, elect(examination, place), form, context, place)
    return case, reweigh(case, is_local=form.tuning.is_local)


def elect(examination: Examination, place: LocationLead | None) -> int:
    """Return the position of the class to look at: the one with the smallest trigger, unless another leads at one place by far."""
    leader = examination.leader
    if place is None or not place.overrules(float(examination.class_indices[leader])):
        return leader
    position = examination.found.position(place.label)
    return leader if position is None else position


def confirmed(
    examination: Examination, leader: int, form: TriggerModel, context: Context, place: LocationLead | None
) -> Case:
    """Return the case of a class: its trigger, and what confirms it where a clean network seldom comes to as much."""
    found = examination.found
    trigger, interval = shown_trigger(found, leader, form, context)
    leads = place is not None and place.is_worth_a_look and place.label == int(found.labels[leader])
    is_asked = trigger is not None and (examination.is_suspicious or leads)
    return Case(
        examination=examination,
        num_classes=context.classifier.num_classes,
        place=place,
        leader=leader,
        trigger=trigger,
        interval=interval,
        facts=confirm(context, form, found, leader) if is_asked else (),
    )


def reweigh(case: Case, *, is_local: bool) -> NDArray[np.float64]:
    """Return the index of each class, in view of the decoys, of how the trigger does beside its place, and of who leads at one.

    Where only suspects were searched, so are the decoys, and they say nothing. What is known of a patch that is not the smallest
    speaks for or against its own class alone: a class that was made to lead must not hide another.

    Args:
        case: The class that was looked at.
        is_local: Whether its trigger was searched at one place, and could not leave it.
    """
    examination, leader, place = case.examination, case.leader, case.place
    indices = examination.class_indices
    success = {fact.name: fact.value for fact in case.facts}
    is_smallest = leader == examination.leader
    if is_smallest and DECOYS in success and len(indices) == case.num_classes:
        indices = beside_decoys(indices, success[DECOYS])
    if is_smallest and MOVED in success:
        indices = (beside_its_place if is_local else at_other_places)(indices, success[MOVED])
    found = examination.found
    if place is None or not np.isfinite(found.norms[leader]):
        return indices
    return place.weighed(indices, leader, int(found.labels[leader]), success)


def _written(
    detector: str, rule: Rule, case: Case, indices: NDArray[np.float64], *, is_local: bool
) -> Evidence:
    found = case.examination.found
    norms = zip(_NORMS, case.examination.searches, strict=False)
    return Evidence(
        detector=detector,
        rule=rule.id,
        status=Status.MEASURED,
        # Most classes have no patch of one place at all; that two others have one as well says nothing against the leader.
        anomaly_index=float(indices.max()) if is_local else standing_out(indices, case.num_classes),
        paper_statistic=paper_index(found.norms),
        target_labels=(int(found.labels[case.leader]),) if np.isfinite(found.norms).any() else (),
        measurements=(
            *_measurements(case.examination, case.leader),
            *(case.place.measurements if case.place else ()),
            *case.interval,
            *case.facts,
            *class_measurements(found.labels, indices),
            *(norm for name, search in norms for norm in _norms(name, search)),
        ),
        trigger=case.trigger,
        inconclusive=_inconclusive(found),
    )


def shown_trigger(
    found: Inversion, leader: int, form: TriggerModel, context: Context
) -> tuple[Trigger | None, tuple[Measurement, ...]]:
    """Return the leader's trigger with its success on the whole pool, and the interval of that rate."""
    if not np.isfinite(found.norms[leader]):
        return None, ()
    pool, label = context.pools.pool(0), int(found.labels[leader])
    shown = found.trigger(leader)
    is_foreign = pool.predictions != label
    foreign, classes = pool.images[is_foreign], pool.predictions[is_foreign]
    stamped = np.asarray(form.stamp(foreign, shown))
    is_hit = context.classifier.predict(stamped).argmax(axis=1) == label
    hits = int(is_hit.sum())
    low, high = wilson_interval(hits, len(foreign))
    mask, pattern = form.picture(shown)
    trigger = Trigger(
        target_label=label,
        l1_norm=float(mask.sum(dtype=np.float64)),
        attack_success_rate=hits / max(len(foreign), 1),
        mask_png=mask_png(mask),
        pattern_png=pattern_png(pattern, mask),
        examples_png=examples_png(foreign[is_hit], stamped[is_hit], classes[is_hit]),
    )
    interval = (
        Measurement(name="attack_success_rate_low", value=low),
        Measurement(name="attack_success_rate_high", value=high),
    )
    return trigger, interval


def _measurements(examination: Examination, leader: int) -> tuple[Measurement, ...]:
    found = examination.found
    finite = found.norms[np.isfinite(found.norms)]
    summary = [
        searched(len(found.labels)),
        Measurement(name="classes_with_trigger", value=float(len(finite))),
    ]
    if len(finite):
        summary.append(Measurement(name="median_trigger_norm", value=float(np.median(finite)), unit="px"))
        summary.append(Measurement(name="log_ratio", value=log_gap(found.norms, leader)))
        summary.append(Measurement(name="spread", value=spread_below(found.norms, leader)))
    indices = zip(_NAMES, examination.indices[:, leader], strict=False)
    known = (Measurement(name=name, value=float(index)) for name, index in indices if np.isfinite(index))
    return (*summary, *known)


def _norms(name: str, found: Inversion) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(name=name, value=float(norm), unit="px", label=int(label))
        for label, norm in zip(found.labels, found.norms, strict=True)
        if np.isfinite(norm)
    )


def _inconclusive(found: Inversion) -> str:
    classes, converged = len(found.labels), int(np.isfinite(found.norms).sum())
    if converged >= ENOUGH * classes:
        return ""
    return (
        f"A trigger was found for {converged} of {classes} classes only, too few to compare them. "
        "Give images with --data, state --input-range, or use --profile full."
    )
