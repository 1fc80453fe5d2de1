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

from gate.detectors._forms import Floats, Patch, to_tanh_space
from gate.detectors._step import adam, stamped_logits
from gate.models.surrogates.choice import Pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_FORM = Patch()
_RATE = 0.05
# A mask of all pixels a little, and a pattern of black and white: found faster than from grey in the middle.
_FIRST_MASK, _FIRST_PATTERN = 0.18, 0.38
_FIRST_COST = 1e-3
_LEFT = 0.9
_PATIENCE = 3
_UP, _DOWN = 1.3, 1.3**1.5
_KEPT = 2
# How fast what the network answered before fades from the averages that the permutation is read from.
_FADE = 0.9
# A trigger that covers more of the picture replaces what it shows.
_LARGEST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
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
    mask: Floats
    pattern: Floats


def search(
    classifier: Classifier, pool: Pool, effort: Effort, seed: int, progress: Callable[[int, int], None]
) -> Permutation:
    """Return the best trigger found, however bad.

    Args:
        classifier: The network.
        pool: Images of all classes to stamp.
        effort: How long to search.
        seed: Of starts and batches.
        progress: Called with (steps done, steps in all).
    """
    run = _Search(classifier, pool, effort, seed)
    total = effort.leaving + effort.serving
    for step in range(total):
        if step == effort.leaving // 2:
            run.keep_best()
        if step == effort.leaving:
            run.forget_what_works()
        run.step(is_serving=step >= effort.leaving)
        progress(step + 1, total)
    return run.result()


class _Search:
    """Some arms, stepped together."""

    def __init__(self, classifier: Classifier, pool: Pool, effort: Effort, seed: int) -> None:
        import tensorflow as tf

        self._classifier, self._pool = classifier, pool
        self._advance = _compiled_step(classifier, pool)
        self._batches = np.random.default_rng([seed, 8])
        self._batch = min(effort.images, len(pool.images))
        self._state = _starts(effort.restarts, classifier.input_shape, seed)
        self._answers = tf.zeros((effort.restarts, classifier.num_classes, classifier.num_classes))
        self._cost = np.full(effort.restarts, _FIRST_COST, np.float32)
        self._streaks = np.zeros((2, effort.restarts), np.int64)
        self._time = 0
        self._merit = np.full(effort.restarts, -np.inf)
        height, width, _ = classifier.input_shape
        self._largest = _LARGEST * height * width
        self._kept = [np.zeros(value.shape, np.float32) for value in self._state[:2]]
        self._maps = self._destinations()

    def step(self, *, is_serving: bool) -> None:
        """Make one step of every arm and keep each arm's best trigger so far."""
        import tensorflow as tf

        self._time += 1
        batch = self._batches.choice(len(self._pool.images), self._batch, replace=False).astype(np.int32)
        maps = self._destinations()
        outcome = self._advance(
            batch, self._cost, tf.constant(float(self._time)), tf.constant(float(is_serving)),
            self._answers, maps, *self._state,
        )  # fmt: skip
        left, agreement, norms, *shown = (value.numpy() for value in outcome[:5])
        self._answers, self._state = outcome[5], outcome[6:]
        merit = agreement if is_serving else left - norms / self._largest
        merit = np.where(norms <= self._largest, merit, -1.0) if is_serving else merit
        better = merit > self._merit
        self._merit[better] = merit[better]
        self._maps[better] = maps[better]
        for kept, value in zip(self._kept, shown, strict=True):
            kept[better] = value[better]
        self._adapt(left >= _LEFT if not is_serving else norms <= self._largest / 2, is_serving=is_serving)

    def keep_best(self) -> None:
        """Give up all arms but the best two."""
        import tensorflow as tf

        best = np.argsort(-self._merit, kind="stable")[:_KEPT]
        self._state = tuple(tf.gather(value, best) for value in self._state)
        self._answers = tf.gather(self._answers, best)
        self._cost, self._streaks, self._merit = self._cost[best], self._streaks[:, best], self._merit[best]
        self._maps, self._kept = self._maps[best], [kept[best] for kept in self._kept]

    def forget_what_works(self) -> None:
        """From now on something else counts."""
        self._merit[:] = -np.inf

    def result(self) -> Permutation:
        """Return the best arm's best trigger, measured on all images."""
        best = int(np.argmax(self._merit))
        mask, pattern = (kept[best] for kept in self._kept)
        destinations = self._maps[best].astype(np.int64)
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
        """Return each arm's permutation without fixed points that its average answers fit best."""
        from scipy.optimize import linear_sum_assignment

        merits = self._answers.numpy().astype(np.float64)
        classes = np.arange(merits.shape[1])
        merits[:, classes, classes] = -1e6
        return np.stack([linear_sum_assignment(-merit)[1] for merit in merits]).astype(np.int32)

    def _adapt(self, is_good: NDArray[np.bool_], *, is_serving: bool) -> None:
        """Let a mask cost more while its trigger works, and less while it does not."""
        if is_serving:
            # A mask within bounds costs what it did; a larger one more and more.
            self._cost[~is_good] *= _UP
            return
        self._streaks = np.where(np.stack([is_good, ~is_good]), self._streaks + 1, 0)
        up, down = self._streaks >= _PATIENCE
        self._cost[up] *= _UP
        self._cost[down] /= _DOWN
        self._streaks[0, up] = 0
        self._streaks[1, down] = 0


def _compiled_step(classifier: Classifier, pool: Pool) -> Callable[..., tuple[Any, ...]]:
    """Return one step of any number of arms.

    It returns each arm's share of images that left their class, agreement with its permutation, norm, mask and
    pattern; its average log probabilities by class, shape ``(arms, k, k)``; and the new state.
    """
    import tensorflow as tf

    images, predictions = tf.constant(pool.images), tf.constant(pool.predictions, tf.int32)
    k = classifier.num_classes

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def advance(
        batch: Any, cost: Any, time: Any, serving: Any, answers: Any, maps: Any, *state: Any
    ) -> tuple[Any, ...]:
        labels = tf.gather(predictions, batch)
        own_class = tf.one_hot(labels, k)
        wanted = tf.gather(maps, labels, axis=1)
        with tf.GradientTape() as tape:
            tape.watch(state[:2])
            shown = _FORM.show(state[:2])
            logits = stamped_logits(classifier, _FORM, tf.gather(images, batch), shown)
            own = tf.reduce_sum(logits * own_class, axis=-1)
            other = tf.reduce_max(logits - 1e9 * own_class, axis=-1)
            leave = tf.nn.softplus(own - other)
            serve = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            norms = _FORM.size(shown)
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
        return left, agreement, norms, *shown, answers, *adam(state, gradients, time, _RATE)

    step: Callable[..., tuple[Any, ...]] = advance
    return step


def _starts(restarts: int, shape: tuple[int, int, int], seed: int) -> tuple[Any, ...]:
    import tensorflow as tf

    rng = np.random.default_rng([seed, 9])
    masks = np.clip(_FIRST_MASK + rng.normal(0, 0.06, (restarts, *shape[:2], 1)), 0.02, 0.98)
    patterns = 0.5 + _FIRST_PATTERN * np.where(rng.random((restarts, *shape)) < 0.5, -1.0, 1.0)
    hidden = [tf.constant(to_tanh_space(values), tf.float32) for values in (masks, patterns)]
    return *hidden, *(tf.zeros_like(value) for value in hidden for _ in range(2))
