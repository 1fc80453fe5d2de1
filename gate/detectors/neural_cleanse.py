"""Neural Cleanse: a class that a tiny trigger can reach from everywhere is probably a backdoor's target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.rule import Rule, Severity
from gate.detectors._calibration import index_of_gap
from gate.detectors._candidates import classes_to_search
from gate.detectors._contract import Context
from gate.detectors._inversion import Inversion, Settings, invert, stamp
from gate.detectors._pictures import mask_png, pattern_png
from gate.detectors._stats import log_gap, paper_index, spread_below, wilson_interval

_RULE = Rule(
    id="BD101",
    name="anomalous-trigger",
    summary="One class can be reached from all images by a far smaller trigger than the others.",
    page="""\
## Looks for
For every class, the smallest mask and pattern that send images of all other classes there. Changing a clean
network's mind takes a large trigger for every class. A backdoor is a shortcut: its target needs far less.

## Needs
Nothing but the model. Without images the gate draws some itself and refines them until the network takes them for
its classes; with `--data` it uses yours. All classes are searched together, up to 64; above that the most
suspicious ones beside a random reference.

## Decides by
The anomaly index: how far the smallest mask's log norm lies below the median class, against the spread of clean
models, scaled so that at most 1 % of clean models exceed 2.0 for their number of classes. A suspicious leader is
searched again on another kind of images that the network knows about as well (two in the full profile), and the
indices are averaged. The paper's MAD index stands beside it as `paper_statistic`.

## If it fires
Look at the recovered trigger. Is it a small, local pattern that has no business in the picture? Ask where the model
and its training data come from, and train it again from data that you trust. Until then do not deploy it.

## Known limits
Made for all-to-one backdoors with a small or faint trigger. It does not see all-to-all and source-specific
backdoors, and may miss warps, large patterns, and attackers who train against it. A clean class with a natural
small trigger can be blamed.

## Paper
Wang et al., *Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks*, IEEE S&P 2019.
""",
    severity=Severity.CRITICAL,
    cwe=(506, 1039),
    atlas=("AML.T0018", "AML.T0020"),
)

_CONFIRM_ABOVE = 1.0
# Fewer classes with a trigger than this say too little about what is usual.
_ENOUGH = 0.6
_PEERS = 11
# Kinds of images that a suspicious leader is searched on, the first search included.
_RANKS_IN_QUICK, _RANKS_IN_FULL = 2, 3
_PIXELS_PER_STEP = 16 * 128 * 128
_FEWEST_IMAGES = 6

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralCleanse:
    """Search the smallest trigger of each class and compare their sizes.

    Attributes:
        restarts: Searches per class; one more in the full profile.
        steps: Optimiser steps of each search; three times as many in the full profile.
        images: Images per step at most; twice as many in the full profile, fewer above 128 x 128 pixels.
    """

    RULE: ClassVar[Rule] = _RULE

    restarts: int = 2
    steps: int = 120
    images: int = 16

    def run(self, context: Context) -> Evidence:
        """Search all classes on the best images; look again at a suspicious leader on other kinds of images."""
        labels = classes_to_search(context.classifier, context.bank.pool(0), context.seed)
        found = self._search(context, 0, labels, "inverting triggers")
        leader = int(np.argmin(found.norms))
        indices = [_index(found, leader, len(labels))]
        for rank in range(1, min(context.bank.ranks, _RANKS_IN_FULL if context.is_full else _RANKS_IN_QUICK)):
            if np.mean(indices) < _CONFIRM_ABOVE:
                break
            again = self._search(context, rank, _leader_and_peers(found, leader), "confirming the trigger")
            indices.append(
                _index(again, int(np.searchsorted(again.labels, found.labels[leader])), len(labels))
            )
        return _evidence(found, leader, indices, context)

    def _search(self, context: Context, rank: int, labels: Labels, stage: str) -> Inversion:
        def progress(done: int, total: int) -> None:
            context.progress(stage, done, total, f"{len(labels)} classes")

        pool = context.bank.pool(rank)
        return invert(context.classifier, pool, labels, self._settings(context), context.seed, progress)

    def _settings(self, context: Context) -> Settings:
        restarts, steps, images = self.restarts, self.steps, self.images
        if context.is_full:
            restarts, steps, images = restarts + 1, steps * 3, images * 2
        height, width, _ = context.classifier.input_shape
        # Large pictures cost more each; fewer of them per step keep the work within bounds.
        affordable = max(_FEWEST_IMAGES, _PIXELS_PER_STEP // (height * width))
        return Settings(restarts=restarts, steps=steps, images=min(images, affordable))


DETECTOR = NeuralCleanse


def _index(found: Inversion, leader: int, num_classes: int) -> float:
    """Return the index of one class; the leader was the smallest of `num_classes`, however many were searched now."""
    if not np.isfinite(found.norms[leader]):
        return 0.0
    return index_of_gap(log_gap(found.norms, leader), spread_below(found.norms, leader), num_classes)


def _leader_and_peers(found: Inversion, leader: int) -> Labels:
    """Return the leader and at most `_PEERS` other classes, spread evenly over the order of their norms."""
    others = np.array([i for i in np.argsort(found.norms, kind="stable") if i != leader])
    chosen = np.unique(np.linspace(0, len(others) - 1, min(_PEERS, len(others))).astype(np.int64))
    return np.sort(np.append(found.labels[others[chosen]], found.labels[leader]))


def _evidence(found: Inversion, leader: int, indices: list[float], context: Context) -> Evidence:
    order = np.argsort(found.norms, kind="stable")
    suspects = tuple(int(found.labels[i]) for i in order[:3] if np.isfinite(found.norms[i]))
    trigger, interval = _trigger(found, leader, context)
    return Evidence(
        detector="neural-cleanse",
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=float(np.mean(indices)),
        paper_statistic=paper_index(found.norms),
        target_labels=suspects[:1],
        measurements=(*_measurements(found, leader, indices), *interval, *_norms(found)),
        trigger=trigger,
        inconclusive=_inconclusive(found),
    )


def _trigger(
    found: Inversion, leader: int, context: Context
) -> tuple[Trigger | None, tuple[Measurement, ...]]:
    """Return the leader's trigger with its success on the whole pool, and the 95 % interval of that rate."""
    if not np.isfinite(found.norms[leader]):
        return None, ()
    pool, label = context.bank.pool(0), int(found.labels[leader])
    mask, pattern = found.masks[leader], found.patterns[leader]
    foreign = pool.images[pool.predictions != label]
    hits = int((context.classifier.predict(stamp(foreign, mask, pattern)).argmax(axis=1) == label).sum())
    low, high = wilson_interval(hits, len(foreign))
    trigger = Trigger(
        target_label=label,
        l1_norm=float(found.norms[leader]),
        attack_success_rate=hits / len(foreign),
        mask_png=mask_png(mask),
        pattern_png=pattern_png(pattern, mask),
    )
    interval = (
        Measurement(name="attack_success_rate_low", value=low),
        Measurement(name="attack_success_rate_high", value=high),
    )
    return trigger, interval


def _measurements(found: Inversion, leader: int, indices: list[float]) -> tuple[Measurement, ...]:
    finite = found.norms[np.isfinite(found.norms)]
    summary = [
        Measurement(name="classes_searched", value=float(len(found.labels))),
        Measurement(name="classes_with_trigger", value=float(len(finite))),
    ]
    if len(finite):
        summary.append(Measurement(name="median_trigger_norm", value=float(np.median(finite)), unit="px"))
        summary.append(Measurement(name="log_ratio", value=log_gap(found.norms, leader)))
    names = (
        "index_on_search_images",
        "index_on_second_images",
        "index_on_third_images",
        "index_on_fourth_images",
    )
    summary += [Measurement(name=name, value=index) for name, index in zip(names, indices, strict=False)]
    return tuple(summary)


def _norms(found: Inversion) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(name="trigger_norm", value=float(norm), unit="px", label=int(label))
        for label, norm in zip(found.labels, found.norms, strict=True)
        if np.isfinite(norm)
    )


def _inconclusive(found: Inversion) -> str:
    searched, converged = len(found.labels), int(np.isfinite(found.norms).sum())
    if converged >= _ENOUGH * searched:
        return ""
    return (
        f"A trigger was found for {converged} of {searched} classes only, too few to compare them. "
        "Give images with --data, state --input-range, or use --profile full."
    )
