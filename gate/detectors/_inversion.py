"""Trigger inversion: for every class the smallest mask and pattern that send all images there.

All classes and restarts ("arms") run in one TensorFlow graph with Adam on plain tensors and one cost each.
The paper's loop over classes takes minutes on a GPU; this takes seconds on two cores.

Paper: Wang et al., Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks, IEEE S&P 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.models.surrogates.choice import Pool

if TYPE_CHECKING:
    import tensorflow as tf

    from gate.models.classifier import Classifier

Floats = NDArray[np.float32]

_RATE = 0.1
_DECAY_1, _DECAY_2 = 0.5, 0.9
_SUCCESS = 0.99
_FIRST_COST = 1e-3
_PATIENCE = 3
_UP, _DOWN = 1.5, 1.5**1.5
# tanh reaches neither 0 nor 1; a little slack lets a mask be exactly empty or full.
_SLACK = 0.999
# Activations of one chunk must fit in memory: about 512 images of 32 x 32 at a time.
_CHUNK_PIXELS = 512 * 32 * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long to search.

    Attributes:
        restarts: Searches per class, each from another start; the smallest mask counts.
        steps: Adam steps of each search.
        images: Images per step.
    """

    restarts: int
    steps: int
    images: int


@dataclass(frozen=True, slots=True)
class Inversion:
    """The best trigger of each class.

    Attributes:
        labels: Classes that were searched, shape ``(k,)``.
        norms: L1 norm of the smallest mask that worked, in pixels; infinite if none did, shape ``(k,)``.
        masks: Shape ``(k, h, w, 1)``, 0..1.
        patterns: Shape ``(k, h, w, c)``, 0..1.
    """

    labels: NDArray[np.int64]
    norms: NDArray[np.float64]
    masks: Floats
    patterns: Floats


def invert(
    classifier: Classifier,
    pool: Pool,
    labels: NDArray[np.int64],
    settings: Settings,
    seed: int,
    progress: Callable[[int, int], None],
) -> Inversion:
    """Search the smallest trigger of each class.

    Args:
        classifier: The network.
        pool: Images to stamp; those already of an arm's class do not count for that arm.
        labels: Classes to search, shape ``(k,)``.
        settings: How long to search.
        seed: Of starts and batches. An arm's result does not depend on which other arms run.
        progress: Called with (steps done, steps in all).
    """
    chunks = list(_chunks(labels, settings, classifier.input_shape))
    total, done = settings.steps * len(chunks), 0
    results: list[Inversion] = []
    for chunk in chunks:
        search = _Search(classifier, pool, chunk, settings, seed)
        for _ in range(settings.steps):
            search.step()
            done += 1
            progress(done, total)
        results.append(search.result())
    return Inversion(
        *(np.concatenate([getattr(part, name) for part in results]) for name in Inversion.__slots__)
    )


def stamp(images: Floats, mask: Floats, pattern: Floats) -> Floats:
    """Return the images with the trigger on them: x' = (1 - mask) * x + mask * pattern."""
    stamped: Floats = (1.0 - mask) * images + mask * pattern
    return stamped


def _chunks(
    labels: NDArray[np.int64], settings: Settings, shape: tuple[int, int, int]
) -> Iterator[NDArray[np.int64]]:
    per_label = settings.restarts * settings.images * shape[0] * shape[1]
    size = max(1, _CHUNK_PIXELS // per_label)
    for start in range(0, len(labels), size):
        yield labels[start : start + size]


class _Search:
    """One chunk of arms, stepped together: label-major, `restarts` arms per label."""

    def __init__(
        self, classifier: Classifier, pool: Pool, labels: NDArray[np.int64], settings: Settings, seed: int
    ) -> None:
        import tensorflow as tf

        self._labels, self._settings = labels, settings
        self._arms = np.repeat(labels, settings.restarts)
        self._batches = np.random.default_rng([seed, 1])
        self._pool_size = len(pool.images)
        self._advance = _compiled_step(classifier, pool, self._arms, settings.images)
        mask, pattern = _starts(labels, settings.restarts, classifier.input_shape, seed)
        zeros = [tf.zeros_like(mask), tf.zeros_like(mask), tf.zeros_like(pattern), tf.zeros_like(pattern)]
        self._state: tuple[Any, ...] = (mask, pattern, *zeros)
        self._time = 0
        self._cost = _Cost(len(self._arms))
        self._norms = np.full(len(self._arms), np.inf)
        self._masks = np.zeros(mask.shape, np.float32)
        self._patterns = np.zeros(pattern.shape, np.float32)

    def step(self) -> None:
        """Make one Adam step of every arm and keep each arm's smallest mask that works."""
        import tensorflow as tf

        self._time += 1
        batch = self._batches.choice(
            self._pool_size, min(self._settings.images, self._pool_size), replace=False
        )
        outcome = self._advance(
            tf.constant(batch, tf.int32),
            tf.constant(self._cost.values),
            tf.constant(float(self._time)),
            *self._state,
        )
        success, norms, masks, patterns = outcome[:4]
        self._state = outcome[4:]
        works = success.numpy() >= _SUCCESS
        better = works & (norms.numpy() < self._norms)
        if better.any():
            self._norms[better] = norms.numpy()[better]
            self._masks[better] = masks.numpy()[better]
            self._patterns[better] = patterns.numpy()[better]
        self._cost.update(works)

    def result(self) -> Inversion:
        """Return the best restart of each label."""
        restarts = self._settings.restarts
        best = self._norms.reshape(-1, restarts).argmin(axis=1) + np.arange(len(self._labels)) * restarts
        return Inversion(self._labels, self._norms[best], self._masks[best], self._patterns[best])


class _Cost:
    """The weight of the mask's size per arm: up after some steps in a row that worked, down after some that failed."""

    def __init__(self, arms: int) -> None:
        self.values = np.full(arms, _FIRST_COST, np.float32)
        self._good = np.zeros(arms, np.int64)
        self._bad = np.zeros(arms, np.int64)

    def update(self, works: NDArray[np.bool_]) -> None:
        """Count one step of every arm."""
        self._good = np.where(works, self._good + 1, 0)
        self._bad = np.where(works, 0, self._bad + 1)
        up, down = self._good >= _PATIENCE, self._bad >= _PATIENCE
        self.values[up] *= _UP
        self.values[down] /= _DOWN
        self._good[up] = 0
        self._bad[down] = 0


def _starts(
    labels: NDArray[np.int64], restarts: int, shape: tuple[int, int, int], seed: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return random masks and patterns in tanh space; an arm's start depends on its label and restart only."""
    import tensorflow as tf

    height, width, channels = shape
    masks, patterns = [], []
    for label in labels:
        for restart in range(restarts):
            rng = np.random.default_rng([seed, 2, int(label), restart])
            masks.append(rng.uniform(0.0, 1.0, (height, width, 1)))
            patterns.append(rng.uniform(0.0, 1.0, (height, width, channels)))
    return tuple(tf.constant(_to_tanh_space(np.stack(values)), tf.float32) for values in (masks, patterns))


def _to_tanh_space(values: NDArray[np.float64]) -> NDArray[np.float64]:
    hidden: NDArray[np.float64] = np.arctanh((values - 0.5) * 2 * _SLACK)
    return hidden


def _compiled_step(
    classifier: Classifier, pool: Pool, arms: NDArray[np.int64], batch_size: int
) -> Callable[..., tuple[Any, ...]]:
    import tensorflow as tf

    height, width, channels = classifier.input_shape
    images, predictions = tf.constant(pool.images), tf.constant(pool.predictions, tf.int32)
    targets = tf.constant(arms, tf.int32)
    count = min(batch_size, len(pool.images))
    wanted = tf.broadcast_to(targets[:, None], (len(arms), count))

    def stamped_logits(batch: tf.Tensor, mask: tf.Tensor, pattern: tf.Tensor) -> tf.Tensor:
        stamped = (1.0 - mask[:, None]) * tf.gather(images, batch)[None] + mask[:, None] * pattern[:, None]
        logits = classifier.logits(tf.reshape(stamped, (-1, height, width, channels)))
        return tf.reshape(logits, (len(arms), count, classifier.num_classes))

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def advance(
        batch: tf.Tensor, cost: tf.Tensor, time: tf.Tensor, *state: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        foreign = tf.cast(tf.not_equal(tf.gather(predictions, batch)[None], targets[:, None]), tf.float32)
        weights = foreign / tf.maximum(tf.reduce_sum(foreign, axis=1, keepdims=True), 1.0)
        with tf.GradientTape() as tape:
            tape.watch(state[:2])
            mask, pattern = _from_tanh_space(state[0]), _from_tanh_space(state[1])
            logits = stamped_logits(batch, mask, pattern)
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            norms = tf.reduce_sum(mask, axis=(1, 2, 3))
            loss = tf.reduce_sum(tf.reduce_sum(weights * error, axis=1) + cost * norms)
        gradients = tape.gradient(loss, state[:2])
        hits = tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), wanted), tf.float32)
        success = tf.reduce_sum(weights * hits, axis=1)
        return success, norms, mask, pattern, *_adam(state, gradients, time)

    step: Callable[..., tuple[Any, ...]] = advance
    return step


def _from_tanh_space(hidden: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.clip_by_value(tf.tanh(hidden) / (2 * _SLACK) + 0.5, 0.0, 1.0)


def _adam(
    state: tuple[tf.Tensor, ...], gradients: tuple[tf.Tensor, ...], time: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Return (mask, pattern, and their first and second moments) after one step of Adam.

    Paper: Kingma & Ba, Adam, ICLR 2015; rates and decays of Neural Cleanse.
    """
    import tensorflow as tf

    variables, moments = [], []
    for variable, gradient, first, second in zip(state[:2], gradients, state[2::2], state[3::2], strict=True):
        new_first = _DECAY_1 * first + (1 - _DECAY_1) * gradient
        new_second = _DECAY_2 * second + (1 - _DECAY_2) * tf.square(gradient)
        scale = tf.sqrt(new_second / (1 - _DECAY_2**time)) + 1e-8
        variables.append(variable - _RATE * new_first / (1 - _DECAY_1**time) / scale)
        moments += [new_first, new_second]
    return (*variables, *moments)
