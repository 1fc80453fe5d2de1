"""Which units of a network stand still on images that hold no trigger, and which of them the scores follow most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import integer, integers, real, reals
from gate.detectors.structure.gates import Edit, Gate, Walk
from gate.models.numerics.arrays import Singles
from gate.models.numerics.compiled import compiled, kept
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side
from gate.models.numerics.streams import Stream, random_numbers

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

Places = NDArray[np.int64]
# What each gate's channels have, one array of all gates in their order.
Channels = NDArray[np.float64]

SELDOM, _HARDLY, _LITTLE = reals("structure.still-units", "seldom", "hardly", "little")
_NEIGHBOURS_REACH = real("structure.still-units.neighbours-reach")
_FEWEST_NEIGHBOURS, _DIRECTIONS = integers("structure.still-units", "fewest-neighbours", "directions")
AT_A_TIME = integer("structure.still-units.at-a-time")
_LIVE = 2
SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What the gates of a network do on images that hold no trigger.

    Attributes:
        gates: In the order in which they are passed.
        low: Of each channel, what it seldom falls below on the images.
        high: What it seldom exceeds.
        multiplications: For one picture.
    """

    gates: tuple[Gate, ...]
    low: Channels
    high: Channels
    multiplications: int

    @property
    def reach(self) -> Channels:
        """How far each channel moves."""
        return self.high - self.low

    @property
    def edges(self) -> Places:
        """Where each gate's channels end."""
        return np.cumsum([gate.channels for gate in self.gates])

    def gate_of(self, channel: int) -> int:
        """Return the number of the gate that a channel belongs to."""
        return int(np.searchsorted(self.edges, channel, side="right"))

    def own(self, gate: int) -> slice:
        """Return where a gate's channels are."""
        end = int(self.edges[gate])
        return slice(end - self.gates[gate].channels, end)


def survey(classifier: Classifier, images: Singles) -> Survey:
    """Return what the gates do on these images, shape ``(n, h, w, c)``, 0..1."""
    lows, highs = extremes(classifier, images)
    walk = _looking(classifier).walk
    return Survey(
        tuple(walk.gates),
        np.quantile(lows, SELDOM, axis=0).astype(np.float64),
        np.quantile(highs, 1 - SELDOM, axis=0).astype(np.float64),
        walk.multiplications,
    )


def extremes(classifier: Classifier, images: Singles) -> tuple[Singles, Singles]:
    """Return the smallest and the largest value of each image and channel, over the places, each ``(n, channels)``.

    Args:
        classifier: The network.
        images: Shape ``(n, h, w, c)``, 0..1.
    """
    look = _looking(classifier).look
    parts = [images[first : first + AT_A_TIME] for first in range(0, len(images), AT_A_TIME)]
    found = side_by_side(lambda part: _numbers(look(part)), parts)
    lows, highs = (np.concatenate(each) for each in zip(*found, strict=True))
    return lows, highs


def still_units(known: Survey, effects: Channels) -> Places:
    """Return the channels that stand still: the most influential of each gate, then the second of each.

    Those come first that hardly move at all.

    Args:
        known: What the gates do.
        effects: How much the scores follow each channel.
    """
    ranks = _ranks(known)
    still = np.flatnonzero(ranks < _LIVE)
    ordered = still[np.lexsort((-effects[still], ranks[still]))]
    gates = np.searchsorted(known.edges, ordered, side="right")
    turns = [np.count_nonzero(gates[:place] == gate) for place, gate in enumerate(gates)]
    return ordered[np.argsort(turns, kind="stable")]


def live_units(known: Survey, effects: Channels, gate: int, count: int) -> Places:
    """Return so many channels that move, the most influential: of one gate, and half of them of those behind it, if there are any.

    Args:
        known: What the gates do.
        effects: How much the scores follow each channel.
        gate: Number of the gate.
        count: How many, at most.
    """
    live = np.flatnonzero(_ranks(known) == _LIVE)
    ordered = live[np.argsort(-effects[live], kind="stable")]
    gates = np.searchsorted(known.edges, ordered, side="right")
    behind = ordered[gates > gate][: count // 2]
    return np.concatenate([ordered[gates == gate][: count - len(behind)], behind])


def _ranks(known: Survey) -> Places:
    """Return of each channel 0 if it hardly moves, 1 if it moves little, beside the others of its gate, and 2 if it lives."""
    ranks = np.full(len(known.reach), _LIVE)
    for number, gate in enumerate(known.gates):
        own = known.own(number)
        reach = known.reach[own]
        usual = np.quantile(reach, _NEIGHBOURS_REACH) if gate.channels >= _FEWEST_NEIGHBOURS else np.inf
        share = reach / max(usual, SMALLEST)
        ranks[own] = np.where(share <= _HARDLY, 0, np.where(share <= _LITTLE, 1, _LIVE))
    return ranks


def effects(classifier: Classifier, known: Survey, images: Singles, seed: int) -> Channels:
    """Return how much the scores follow each channel, shut gates included: the mean size of a gradient."""
    import tensorflow as tf

    rng = random_numbers(seed, Stream.UNIT_EFFECTS)
    count = min(_DIRECTIONS, classifier.num_classes)
    weights = rng.choice((-1.0, 1.0), (count, classifier.num_classes)).astype(np.float32)
    follow = _compiled_effects(classifier)
    found = side_by_side(lambda each: follow(tf.constant(images), tf.constant(each)).numpy(), weights)
    mean: Channels = finite(np.mean(found, axis=0)).astype(np.float64)
    assert mean.shape == known.low.shape
    return mean


class _Looking(NamedTuple):
    """What looks at the gates of a network, and the walk through it that it makes."""

    look: Callable[[Singles], Any]
    walk: Walk


@kept
def _looking(classifier: Classifier) -> _Looking:
    import tensorflow as tf

    walks: list[Walk] = []

    def look(images: Any) -> Any:
        found: list[tuple[Any, Any]] = []

        def keep(_: int, before: Any, after: Any) -> Any:
            found.append(_over_places(after))
            return after

        walks.append(Walk(keep))
        walks[-1].through(classifier.network, classifier.raw(images))
        if not found:
            return (tf.zeros((tf.shape(images)[0], 0)),) * 2
        return tuple(tf.concat(each, axis=1) for each in zip(*found, strict=True))

    return _Looking(compiled(look, pictures(classifier)), walks[0])


def _compiled_effects(classifier: Classifier) -> Any:
    import tensorflow as tf

    def follow(images: Any, weights: Any) -> Any:
        nudges: list[Any] = []

        def nudge(_: int, before: Any, after: Any) -> Any:
            shape = (tf.shape(after)[0], *[1] * (len(after.shape) - 2), after.shape[-1])
            nudges.append(tf.zeros(shape, after.dtype))
            tape.watch(nudges[-1])
            return after + nudges[-1]

        with tf.GradientTape() as tape:
            scores = walked(classifier, images, nudge)
            total = tf.reduce_sum(scores * weights)
        slopes = tape.gradient(total, nudges, unconnected_gradients="zero")
        return tf.concat([_mean_size(each) for each in slopes], axis=0)

    return compiled(follow, pictures(classifier), tf.TensorSpec((classifier.num_classes,)))


def walked(classifier: Classifier, images: Any, edit: Edit, leak: Any = 0.0) -> Any:
    """Return the scores of images, 0..1, with every gate edited."""
    import tensorflow as tf

    return tf.cast(Walk(edit, leak).through(classifier.network, classifier.raw(images)), tf.float32)


def pictures(classifier: Classifier) -> Any:
    """Return what images are, for `tf.function`."""
    import tensorflow as tf

    return tf.TensorSpec((None, *classifier.input_shape))


def _mean_size(slopes: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(tf.abs(tf.cast(tf.reshape(slopes, (-1, slopes.shape[-1])), tf.float32)), axis=0)


def _over_places(values: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    axes = tuple(range(1, len(values.shape) - 1))
    values = tf.cast(values, tf.float32)
    return tf.reduce_min(values, axes), tf.reduce_max(values, axes)


def _numbers(tensors: Sequence[Any]) -> tuple[Singles, Singles]:
    low, high = (finite(each.numpy()) for each in tensors)
    return low, high
