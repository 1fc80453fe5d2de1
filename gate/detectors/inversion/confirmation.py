"""What more can be said of a suspicious trigger: does it hold elsewhere, in a real file, and better than others of its size?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gate.core.effort import Effort
from gate.core.evidence import Measurement
from gate.detectors.inversion.search import Inversion
from gate.detectors.inversion.triggers import TriggerModel
from gate.detectors.scoring.outliers import wilson_interval
from gate.detectors.shared.constants import integers, reals
from gate.detectors.shared.contract import Context
from gate.models.numerics.arrays import Singles
from gate.models.surrogates.selection import Pool

DECOYS, MOVED = "success_of_decoys", "success_when_moved"
_MOVE, _DIAGONAL = reals("inversion.confirmation", "move", "diagonal")
_DECOYS, _SHORTEST_MOVE = integers("inversion.confirmation", "decoys", "shortest-move")
_LEVELS = 255
_DIRECTIONS = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (_DIAGONAL, _DIAGONAL))


def confirm(context: Context, form: TriggerModel, found: Inversion, leader: int) -> tuple[Measurement, ...]:
    """Return facts that a reviewer can weigh; none of them alone proves a backdoor.

    `success_on_other_images` with its interval, on a kind of images that the trigger was not searched on;
    `success_in_8_bits`, after rounding to what an image file holds; `success_of_decoys`, of other classes' triggers that were
    cut to the leader's size: a clean network's triggers of that size do about as well as the leader. Of a patch of one place also
    `success_when_moved`, by a few pixels of a small picture: a planted trigger has its place, a feature of the class seldom.

    Args:
        context: The model and its images.
        form: What the triggers look like.
        found: The triggers of all classes searched.
        leader: Position of the suspicious one.
    """
    pool, label = context.pools.pool(0), int(found.labels[leader])
    trigger = found.trigger(leader)
    stamped = _stamped(form, pool, label, trigger)
    rounded = (np.rint(stamped * _LEVELS) / _LEVELS).astype(np.float32)
    return (
        *_elsewhere(context, form, label, trigger),
        Measurement(name="success_in_8_bits", value=_rate(_reached(context, rounded, label))),
        Measurement(name=DECOYS, value=max(_decoys(context, form, found, leader), default=0.0)),
        *_moved(context, form, label, trigger),
    )


def _elsewhere(
    context: Context, form: TriggerModel, label: int, trigger: tuple[Singles, ...]
) -> Iterator[Measurement]:
    # Drawing another kind of images takes longer than a short look.
    if context.pools.count < 2 or (context.effort is Effort.SHORT and not context.is_full):
        return
    reached = _reached(context, _stamped(form, context.pools.pool(1), label, trigger), label)
    low, high = wilson_interval(int(reached.sum()), len(reached))
    yield Measurement(name="success_on_other_images", value=_rate(reached))
    yield Measurement(name="success_on_other_images_low", value=low)
    yield Measurement(name="success_on_other_images_high", value=high)


def _decoys(context: Context, form: TriggerModel, found: Inversion, leader: int) -> Iterator[float]:
    """Yield the success of the next smallest triggers, each made as small as the leader's."""
    pool = context.pools.pool(0)
    order = [
        int(i) for i in np.argsort(found.norms, kind="stable") if i != leader and np.isfinite(found.norms[i])
    ]
    for decoy in order[:_DECOYS]:
        label = int(found.labels[decoy])
        trigger = form.shrunk(found.trigger(decoy), float(found.norms[leader] / found.norms[decoy]))
        yield _rate(_reached(context, _stamped(form, pool, label, trigger), label))


def _moved(
    context: Context, form: TriggerModel, label: int, trigger: tuple[Singles, ...]
) -> Iterator[Measurement]:
    """Yield the mean success of a trigger of one place that is put a little beside its place; in tiny pictures nothing is beside another."""
    pool, step = context.pools.pool(0), round(_MOVE * min(context.classifier.input_shape[:2]))
    if step < _SHORTEST_MOVE or not form.has_a_place(trigger):
        return
    moved = (
        tuple(np.roll(part, (round(down * step), round(right * step)), axis=(0, 1)) for part in trigger)
        for down, right in _DIRECTIONS
    )
    rates = [_rate(_reached(context, _stamped(form, pool, label, each), label)) for each in moved]
    yield Measurement(name=MOVED, value=float(np.mean(rates)))


def _stamped(form: TriggerModel, pool: Pool, label: int, trigger: tuple[Singles, ...]) -> Singles:
    """Return the pool's images of other classes with the trigger on them."""
    return np.asarray(form.stamp(pool.images[pool.predictions != label], trigger), np.float32)


def _reached(context: Context, stamped: Singles, label: int) -> NDArray[np.bool_]:
    if not len(stamped):
        return np.zeros(0, bool)
    reached: NDArray[np.bool_] = context.classifier.predict(stamped).argmax(axis=1) == label
    return reached


def _rate(reached: NDArray[np.bool_]) -> float:
    return float(reached.mean()) if len(reached) else 0.0
