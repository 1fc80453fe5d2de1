"""Search one small trigger that sends every class to another class of its own, which is not known beforehand.

First the trigger only has to drive images out of their class; then an assignment problem turns where they go into a
permutation of the classes, and the trigger has to serve that. A clean network has no such trigger: whatever drives all
classes out drives them to the same few places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.inversion.step import stamped_logits, state_signature
from gate.detectors.inversion.triggers import Patch, to_tanh_space
from gate.detectors.shared.constants import integers, real, reals
from gate.models.numerics.adam import adam, first_state
from gate.models.numerics.adaptive_cost import AdaptiveCost, Pace
from gate.models.numerics.arrays import Singles
from gate.models.numerics.compiled import compiled
from gate.models.numerics.margin import others
from gate.models.numerics.side_by_side import Tally, side_by_side
from gate.models.numerics.streams import Stream, random_numbers
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_Step = Callable[..., tuple[Any, ...]]

_FORM = Patch()
_RATE, _FIRST_MASK, _MASK_NOISE = reals("inversion.permutation", "rate", "first-mask", "mask-noise")
_EDGE_OF_MASKS, _FIRST_PATTERN = reals("inversion.permutation", "edge-of-masks", "first-pattern")
_FIRST_COST, _LEFT, _FADE, _UP = reals("inversion.permutation", "first-cost", "left", "fade", "up")
_LARGEST = real("inversion.permutation.largest")
_PATIENCE, _KEPT = integers("inversion.permutation", "patience", "kept")
_DOWN = _UP ** real("inversion.permutation.down")
_PACE = Pace(_UP, _DOWN, _PATIENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How long to search.

    Attributes:
        restarts: Searches from different starts; the best two go on.
        leaving: Steps of the first part.
        serving: Steps of the second part.
        images: Images per step.
    """

    restarts: int
    leaving: int
    serving: int
    images: int

    @property
    def passes(self) -> float:
        """How many images go through the network, there and back."""
        trial, total = self.leaving // 2, self.leaving + self.serving
        return self.images * (self.restarts * trial + min(_KEPT, self.restarts) * (total - trial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutation:
    """The trigger that permutes the classes best.

    Attributes:
        agreement: Share of all images that it sends where the permutation says, 0..1.
        moved: Share of all images that it drives out of their class, 0..1.
        norm: L1 norm of its mask in pixels.
        destinations: Where each class goes, shape ``(k,)``.
        mask: Shape ``(h, w, 1)``, 0..1.
        pattern: Shape ``(h, w, c)``, 0..1.
    """

    agreement: float
    moved: float
    norm: float
    destinations: NDArray[np.int64]
    mask: Singles
    pattern: Singles


def search(
    classifier: Classifier, pool: Pool, effort: Search, seed: int, progress: Callable[[int, int], None]
) -> Permutation:
    """Return the best trigger found, however bad.

    Args:
        classifier: The network.
        pool: Images of all classes to stamp.
        effort: How long to search.
        seed: Of starts and batches.
        progress: Called with (steps done, steps in all).
    """
    advance = _compiled_step(classifier, pool)
    trial, total = effort.leaving // 2, effort.leaving + effort.serving
    tally = Tally(progress, effort.restarts * trial + min(_KEPT, effort.restarts) * (total - trial))

    def tried(restart: _Restart) -> _Restart:
        for _ in range(trial):
            restart.step(is_serving=False)
            tally.step()
        return restart

    def finished(restart: _Restart) -> _Restart:
        for step in range(trial, total):
            if step == effort.leaving:
                restart.forget_what_works()
            restart.step(is_serving=step >= effort.leaving)
            tally.step()
        return restart

    starts = _starts(effort.restarts, classifier.input_shape, seed)
    restarts = [_Restart(classifier, pool, advance, start, effort.images, seed) for start in starts]
    restarts = sorted(side_by_side(tried, restarts), key=lambda restart: -restart.merit)[:_KEPT]
    return max(side_by_side(finished, restarts), key=lambda restart: restart.merit).result()


class _Restart:
    """One search."""

    def __init__(
        self,
        classifier: Classifier,
        pool: Pool,
        advance: _Step,
        start: tuple[Singles, Singles],
        images: int,
        seed: int,
    ) -> None:
        import tensorflow as tf

        self._classifier, self._pool, self._advance = classifier, pool, advance
        self._batches = random_numbers(seed, Stream.PERMUTATION_BATCHES)
        self._batch = min(images, len(pool.images))
        params = [tf.constant(value[None], tf.float32) for value in start]
        self._state = first_state(*params)
        self._answers = tf.zeros((1, classifier.num_classes, classifier.num_classes))
        self._cost = AdaptiveCost(np.full(1, _FIRST_COST), _PACE)
        self._time = 0
        self.merit = -np.inf
        height, width, _ = classifier.input_shape
        self._largest = _LARGEST * height * width
        self._kept: list[Singles] = [np.zeros(value.shape, np.float32) for value in start]
        self._map = self._destinations()

    def step(self, *, is_serving: bool) -> None:
        """Make one step and keep the best trigger so far."""
        import tensorflow as tf

        self._time += 1
        batch = self._batches.choice(len(self._pool.images), self._batch, replace=False).astype(np.int32)
        destinations = self._destinations()
        outcome = self._advance(
            batch, self._cost.values.astype(np.float32), tf.constant(float(self._time)),
            tf.constant(float(is_serving)), self._answers, destinations[None], *self._state,
        )  # fmt: skip
        left, agreement, norm, *trigger = (value.numpy()[0] for value in outcome[:5])
        self._answers, self._state = outcome[5], tuple(outcome[6:])
        merit = agreement if is_serving else left - norm / self._largest
        merit = -1.0 if is_serving and norm > self._largest else float(merit)
        if merit > self.merit:
            self.merit, self._map, self._kept = merit, destinations, trigger
        self._adapt(
            is_good=bool(norm <= self._largest / 2 if is_serving else left >= _LEFT), is_serving=is_serving
        )

    def forget_what_works(self) -> None:
        """From now on something else counts."""
        self.merit = -np.inf

    def result(self) -> Permutation:
        """Return the best trigger, measured on all images."""
        mask, pattern = self._kept
        destinations = self._map.astype(np.int64)
        answers = self._classifier.predict(_FORM.stamp(self._pool.images, (mask, pattern))).argmax(axis=1)
        return Permutation(
            agreement=float((answers == destinations[self._pool.predictions]).mean()),
            moved=float((answers != self._pool.predictions).mean()),
            norm=float(mask.sum(dtype=np.float64)),
            destinations=destinations,
            mask=mask,
            pattern=pattern,
        )

    def _destinations(self) -> NDArray[np.int32]:
        """Return the permutation without fixed points that the average answers fit best, shape ``(k,)``."""
        from scipy.optimize import linear_sum_assignment

        merits = self._answers.numpy()[0].astype(np.float64)
        np.fill_diagonal(merits, -1e6)
        destinations: NDArray[np.int32] = linear_sum_assignment(-merits)[1].astype(np.int32)
        return destinations

    def _adapt(self, *, is_good: bool, is_serving: bool) -> None:
        """Let a mask cost more while its trigger works, and less while it does not."""
        if not is_serving:
            self._cost.update(np.array([is_good]))
        elif not is_good:
            # A mask within bounds costs what it did; a larger one more and more.
            self._cost.values *= _UP


def _compiled_step(classifier: Classifier, pool: Pool) -> _Step:
    """Return one step of any number of restarts.

    It returns each restart's share of images that left their class, agreement with its permutation, norm, mask and
    pattern; its average log probabilities by class, shape ``(restarts, k, k)``; and the new state.
    """
    import tensorflow as tf

    images, predictions = tf.constant(pool.images), tf.constant(pool.predictions, tf.int32)
    k = classifier.num_classes

    def advance(
        batch: Any, cost: Any, time: Any, serving: Any, answers: Any, maps: Any, *state: Any
    ) -> tuple[Any, ...]:
        labels = tf.gather(predictions, batch)
        own_class = tf.one_hot(labels, k)
        wanted = tf.gather(maps, labels, axis=1)
        with tf.GradientTape() as tape:
            tape.watch(state[:2])
            trigger = _FORM.trigger(state[:2])
            logits = stamped_logits(classifier, _FORM, tf.gather(images, batch), trigger)
            own = tf.reduce_sum(logits * own_class, axis=-1)
            other = tf.reduce_max(others(logits, own_class), axis=-1)
            leave = tf.nn.softplus(own - other)
            serve = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            norms = _FORM.size(trigger)
            error = tf.reduce_mean((1.0 - serving) * leave + serving * serve, axis=1)
            loss = tf.reduce_sum(error + cost * norms)
        gradients = tape.gradient(loss, state[:2])
        left = tf.reduce_mean(tf.cast(other > own, tf.float32), axis=1)
        hits = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), wanted)
        agreement = tf.reduce_mean(tf.cast(hits, tf.float32), axis=1)
        count = tf.reduce_sum(own_class, axis=0)[None, :, None]
        mean = tf.einsum("bk,abj->akj", own_class, tf.nn.log_softmax(logits)) / tf.maximum(count, 1.0)
        weight = (1.0 - _FADE) * tf.minimum(count, 1.0)
        answers = (1.0 - weight) * answers + weight * mean
        return left, agreement, norms, *trigger, answers, *adam(state, gradients, time, _RATE)

    return compiled(advance, *_signature(classifier))


def _signature(classifier: Classifier) -> tuple[Any, ...]:
    import tensorflow as tf

    numbers, costs, scalar = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,)), tf.TensorSpec(())
    k = classifier.num_classes
    answers, maps = tf.TensorSpec((None, k, k)), tf.TensorSpec((None, k), tf.int32)
    return numbers, costs, scalar, scalar, answers, maps, *state_signature(classifier.input_shape, _FORM)


def _starts(restarts: int, shape: tuple[int, int, int], seed: int) -> list[tuple[Singles, Singles]]:
    """Return mask and pattern that each restart begins with, as parameters."""
    draw = random_numbers(seed, Stream.PERMUTATION_STARTS)
    masks = _FIRST_MASK + draw.normal(0, _MASK_NOISE, (restarts, *shape[:2], 1))
    masks = np.clip(masks, _EDGE_OF_MASKS, 1 - _EDGE_OF_MASKS)
    patterns = 0.5 + _FIRST_PATTERN * np.where(draw.random((restarts, *shape)) < 0.5, -1.0, 1.0)
    return list(zip(to_tanh_space(masks), to_tanh_space(patterns), strict=True))
