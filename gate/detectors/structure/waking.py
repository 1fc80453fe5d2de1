"""What wakes a unit that stands still, and what it does to the scores when it is awake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integer, reals
from gate.detectors.structure.gates import Gate
from gate.detectors.structure.still_units import (
    AT_A_TIME,
    SMALLEST,
    Places,
    Survey,
    extremes,
    pictures,
    walked,
)
from gate.models.numerics.arrays import Singles
from gate.models.numerics.compiled import compiled, kept
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side
from gate.models.numerics.streams import Stream, random_numbers

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_AWAKE, _OPEN, _SHUT_AFTER = reals("structure.waking", "awake", "open", "shut-after")
_FIRST_STEP, _LAST_STEP, _MOMENTUM = reals("structure.waking", "first-step", "last-step", "momentum")
_FIRST_NOISE, _QUANTILE = reals("structure.waking", "first-noise", "quantile")
_FEWEST_IMAGES = integer("structure.waking.fewest-images")


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What one unit does when a picture wakes it.

    Attributes:
        channel: Its number among those of all gates.
        gate: Where it is.
        unit: Its number there, from 0.
        together: How many of that gate the picture wakes.
        label: The class that gains.
        force: How many times what is needed to overrule an image's class that class gains, on most images.
        share: Of the images of other classes that go over.
        value: What the unit gives, awake.
        is_far: Whether that is far outside of what it gives on other images.
    """

    channel: int
    gate: Gate
    unit: int
    together: int
    label: int
    force: float
    share: float
    value: float
    is_far: bool


def wake(classifier: Classifier, known: Survey, units: Places, steps: int, seed: int) -> Singles:
    """Return for each unit the picture that moves it furthest, shape ``(n, h, w, c)``, 0..1: up, or down if it rests above zero."""
    noise = random_numbers(seed, Stream.WAKING).normal(
        0.5, _FIRST_NOISE, (len(units), *classifier.input_shape)
    )
    starts = np.clip(noise, 0.0, 1.0).astype(np.float32)
    rests_above = (known.low > SMALLEST) & (known.reach < known.low)
    wanted = np.zeros((len(units), len(known.low)), np.float32)
    places = np.arange(len(units))
    wanted[places, units] = np.where(rests_above[units], -1.0, 1.0)
    climb = _compiled_climb(classifier, known)
    parts = [places[first : first + AT_A_TIME] for first in range(0, len(places), AT_A_TIME)]
    return np.concatenate(
        side_by_side(lambda part: _climbed(climb, starts[part], wanted[part], steps), parts)
    )


def awake(
    classifier: Classifier, known: Survey, units: Places, wakers: Singles, images: Singles
) -> list[Woken]:
    """Return what each unit does to the classes of images when it, and what wakes with it, is as on its picture.

    Args:
        classifier: The network.
        known: What its gates do.
        units: The channels.
        wakers: Of each, the picture that wakes it.
        images: To be overruled, shape ``(n, h, w, c)``.
    """
    low, high = extremes(classifier, wakers)
    driven = np.maximum(high - known.high, known.low - low) >= _AWAKE * np.maximum(known.reach, SMALLEST)
    answers = _compiled_answers(classifier, known)
    before = finite(answers(images[:1], images, np.zeros(len(known.low), np.float32)).numpy())

    def examined(place: int) -> Woken:
        channel = int(units[place])
        number = known.gate_of(channel)
        own, chosen = known.own(number), np.zeros(len(known.low), np.float32)
        chosen[own] = driven[place, own]
        chosen[channel] = 1.0
        after = finite(answers(wakers[place : place + 1], images, chosen).numpy())
        label, force, share = overruled(before, after)
        return Woken(
            channel=channel,
            gate=known.gates[number],
            unit=channel - own.start,
            together=int(chosen.sum()),
            label=label,
            force=force,
            share=share,
            value=float(high[place, channel]),
            is_far=bool(driven[place, channel]),
        )

    return side_by_side(examined, range(len(units)))


def overruled(before: Singles, after: Singles) -> tuple[int, float, float]:
    """Return the class that gains most, how many times what it needed, and the share of images of other classes that go over.

    Args:
        before: Scores of some images, shape ``(n, k)``.
        after: Scores of the same images when the unit is awake.
    """
    lead, later = _leads(before), _leads(after)
    forces = np.full(before.shape[1], -np.inf)
    for label in range(before.shape[1]):
        foreign = lead[:, label] < 0
        if foreign.sum() >= _FEWEST_IMAGES:
            gains = (later - lead)[foreign, label] / -lead[foreign, label]
            forces[label] = np.quantile(gains, _QUANTILE)
    best = int(np.argmax(forces))
    foreign = lead[:, best] < 0
    share = float((later[foreign, best] > 0).mean()) if np.isfinite(forces[best]) else 0.0
    return best, max(float(forces[best]), 0.0), share


def _leads(scores: Singles) -> NDArray[np.float64]:
    """Return by how much each class leads the best of the others, shape ``(n, k)``."""
    heights = scores.astype(np.float64)
    second, first = np.split(np.sort(heights, axis=1)[:, -2:], 2, axis=1)
    leads: NDArray[np.float64] = heights - np.where(heights == first, second, first)
    return leads


def _climbed(climb: Any, starts: Singles, wanted: Singles, steps: int) -> Singles:
    """Return the pictures moved to where their units are furthest, from the time on that all gates are as they are."""
    import tensorflow as tf

    here, best, speed = starts, starts, np.zeros_like(starts)
    furthest = np.full(len(starts), -np.inf)
    for step in range(steps):
        leak = max(0.0, _OPEN * (1 - step / (_SHUT_AFTER * steps)))
        values, slopes = (each.numpy() for each in climb(here, wanted, tf.constant(leak, tf.float32)))
        if leak == 0:
            is_better = values > furthest
            furthest = np.where(is_better, values, furthest)
            best = np.where(is_better[:, None, None, None], here, best)
        speed = _MOMENTUM * speed + slopes / (np.abs(slopes).mean((1, 2, 3), keepdims=True) + 1e-12)
        rate = _FIRST_STEP * (_LAST_STEP / _FIRST_STEP) ** (step / max(steps - 1, 1))
        moves = np.sign(speed) * (np.abs(speed) > 1e-6)
        here = np.clip(here + rate * moves, 0.0, 1.0).astype(np.float32)
    return best


@kept
def _compiled_climb(classifier: Classifier, known: Survey) -> Any:
    """Return a function from pictures, the unit that each is to move, and the leak to the units' values and their gradients."""
    import tensorflow as tf

    def climb(images: Any, wanted: Any, leak: Any) -> tuple[Any, Any]:
        values: list[Any] = []
        parts = tf.split(wanted, [gate.channels for gate in known.gates], axis=1)

        def hear(number: int, before: Any, after: Any) -> Any:
            own = tf.reduce_sum(tf.cast(before, tf.float32) * _beside(parts[number], before), axis=-1)
            values.append(tf.reduce_max(tf.reshape(own, (tf.shape(own)[0], -1)), axis=1))
            return after

        with tf.GradientTape() as tape:
            tape.watch(images)
            walked(classifier, images, hear, leak)
            height = tf.add_n(values)
        return height, tape.gradient(height, images, unconnected_gradients="zero")

    return compiled(climb, pictures(classifier), tf.TensorSpec((None, len(known.low))), tf.TensorSpec(()))


@kept
def _compiled_answers(classifier: Classifier, known: Survey) -> Any:
    """Return a function from one picture, images and channels to the images' scores with these channels as on the picture."""
    import tensorflow as tf

    def answer(waker: Any, images: Any, chosen: Any) -> Any:
        there: list[Any] = []
        parts = tf.split(chosen, [gate.channels for gate in known.gates])

        def keep(_: int, before: Any, after: Any) -> Any:
            there.append(after)
            return after

        def put(number: int, before: Any, after: Any) -> Any:
            return tf.where(_beside(parts[number][None], after) > 0, there[number], after)

        walked(classifier, waker, keep)
        return walked(classifier, images, put)

    spec = pictures(classifier)
    return compiled(answer, spec, spec, tf.TensorSpec((len(known.low),)))


def _beside(numbers: Any, values: Any) -> Any:
    """Return one number per channel, shape ``(n, c)``, so that it stands beside values ``(n, ..., c)``."""
    import tensorflow as tf

    return tf.reshape(numbers, (tf.shape(numbers)[0], *[1] * (len(values.shape) - 2), numbers.shape[-1]))
