"""Trigger inversion: for every class the smallest trigger that sends all images there.

All restarts of all classes run in one TensorFlow graph with Adam on plain tensors and one cost each.
The paper's loop over classes takes minutes on a GPU; this takes seconds on two cores.

Paper: Wang et al., Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks, IEEE S&P 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.inversion.step import Step, compiled_step
from gate.detectors.inversion.triggers import Restart, TriggerModel
from gate.detectors.shared.constants import integer, real, reals
from gate.models.numerics.adam import first_state
from gate.models.numerics.adaptive_cost import AdaptiveCost, Pace
from gate.models.numerics.arrays import Singles
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import Tally, side_by_side
from gate.models.numerics.streams import Stream, random_numbers
from gate.models.surrogates.selection import Pool

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_UP, _TRIAL = reals("inversion.search", "up", "trial")
_CHUNK_PIXELS = integer("inversion.search.chunk-pixels")
_PACE = Pace(_UP, _UP ** real("inversion.search.down"), integer("inversion.search.patience"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long to search.

    Attributes:
        restarts: Searches per class, each from another start; the smallest mask counts.
        steps: Adam steps of each search.
        images: Images per step.

    Raises:
        ValueError: One of them is less than 1.
    """

    restarts: int
    steps: int
    images: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"a search with {value} {name}; at least 1")

    def passes(self, classes: int) -> float:
        """Return how many images go through the network, there and back."""
        trial = _TRIAL if self.restarts > 1 else 0.0
        return classes * self.images * self.steps * (self.restarts * trial + 1.0 - trial)


@dataclass(frozen=True, slots=True)
class Inversion:
    """The best trigger of each class.

    Attributes:
        labels: Classes that were searched, shape ``(k,)``.
        norms: Size of the smallest trigger that worked, in the form's unit; infinite if none did, shape ``(k,)``.
        triggers: What the form shows of it, each of shape ``(k, h, w, depth)``: mask and pattern of a patch, say.
    """

    labels: NDArray[np.int64]
    norms: NDArray[np.float64]
    triggers: tuple[Singles, ...]

    def trigger(self, position: int) -> tuple[Singles, ...]:
        """Return the trigger of the class at a position."""
        return tuple(part[position] for part in self.triggers)

    def position(self, label: int) -> int | None:
        """Return where a class is for which a trigger was found; None if none was, or the class was not searched."""
        found = np.flatnonzero((self.labels == label) & np.isfinite(self.norms))
        return int(found[0]) if len(found) else None


def invert(
    classifier: Classifier,
    pool: Pool,
    form: TriggerModel,
    labels: NDArray[np.int64],
    settings: Settings,
    seed: int,
    progress: Callable[[int, int], None],
) -> Inversion:
    """Search the smallest trigger of each class.

    All restarts run for the first part of the steps; then only the best one of each class goes on.

    Args:
        classifier: The network.
        pool: Images to stamp; those already of a restart's class do not count for that restart.
        form: What a trigger may look like.
        labels: Classes to search, shape ``(k,)``.
        settings: How long to search.
        seed: Of starts and batches. A restart's result does not depend on which other restarts run.
        progress: Called with (steps done, steps in all).

    Raises:
        IncompleteError: The way there leads over answers that are no numbers (rule BD004).
    """
    advance = compiled_step(classifier, pool, form)
    parts = chunks(labels, settings.restarts * settings.images, classifier.input_shape)
    tally = Tally(progress, len(parts) * settings.steps)
    trial = int(settings.steps * _TRIAL) if settings.restarts > 1 else 0

    def searched(part: NDArray[np.int64]) -> Inversion:
        search = _Search(advance, form, len(pool.images), part, settings, seed, classifier.input_shape)
        for step in range(settings.steps):
            if step == trial:
                search.keep_best_restarts()
            search.step()
            tally.step()
        return search.result()

    results = side_by_side(searched, parts)
    return Inversion(
        np.concatenate([part.labels for part in results]),
        np.concatenate([part.norms for part in results]),
        tuple(np.concatenate(parts) for parts in zip(*(part.triggers for part in results), strict=True)),
    )


def chunks(labels: NDArray[np.int64], images: int, shape: tuple[int, int, int]) -> list[NDArray[np.int64]]:
    """Return the classes in parts that are worth a thread each: an even number of them if there are several, all about as large.

    Args:
        labels: The classes, shape ``(k,)``.
        images: That each class needs at once.
        shape: Of an image.
    """
    work = len(labels) * images * shape[0] * shape[1]
    count = -(-work // _CHUNK_PIXELS)
    return list(np.array_split(labels, min(len(labels), max(1, count + count % 2 * (count > 1)))))


class _Search:
    """One chunk of restarts, stepped together: label-major, the same number per label at first, then one."""

    def __init__(
        self,
        advance: Step,
        form: TriggerModel,
        pool_size: int,
        labels: NDArray[np.int64],
        settings: Settings,
        seed: int,
        shape: tuple[int, int, int],
    ) -> None:
        self._advance, self._form = advance, form
        self._labels, self._restarts = labels, settings.restarts
        self._targets = np.repeat(labels, settings.restarts).astype(np.int32)
        self._batches = random_numbers(seed, Stream.BATCHES)
        self._pool_size, self._batch_size = pool_size, min(settings.images, pool_size)
        self._state = _starts(form, labels, settings.restarts, shape, seed)
        self._parts = len(form.depths(shape[2]))
        self._time = 0
        self._cost = AdaptiveCost(np.full(len(self._targets), form.tuning.first_cost, np.float32), _PACE)
        self._success = np.zeros(len(self._targets), np.float32)
        self._norms = np.full(len(self._targets), np.inf)
        self._triggers = [np.zeros(params.shape, np.float32) for params in self._state[: self._parts]]

    def step(self) -> None:
        """Make one Adam step of every restart and keep each restart's smallest trigger that works."""
        import tensorflow as tf

        self._time += 1
        batch = self._batches.choice(self._pool_size, self._batch_size, replace=False).astype(np.int32)
        time = tf.constant(float(self._time))
        outcome = self._advance(self._targets, batch, self._cost.values, time, *self._state)
        self._success, norms, *triggers = (value.numpy() for value in outcome[: 2 + self._parts])
        self._state = outcome[2 + self._parts :]
        finite(norms)  # a restart that is lost would never be the smallest
        works = self._success >= self._form.tuning.success
        better = works & (norms < self._norms)
        self._norms[better] = norms[better]
        for kept, trigger in zip(self._triggers, triggers, strict=True):
            kept[better] = trigger[better]
        self._cost.update(works)

    def keep_best_restarts(self) -> None:
        """Give up all restarts but the best of each label."""
        import tensorflow as tf

        best = self._best()
        self._targets, self._restarts = self._targets[best], 1
        self._state = tuple(tf.gather(value, best) for value in self._state)
        self._cost = self._cost.of(best)
        self._success, self._norms = self._success[best], self._norms[best]
        self._triggers = [trigger[best] for trigger in self._triggers]

    def result(self) -> Inversion:
        """Return the best restart of each label."""
        best = self._best()
        return Inversion(self._labels, self._norms[best], tuple(trigger[best] for trigger in self._triggers))

    def _best(self) -> NDArray[np.int64]:
        """Return the position of each label's best restart: the smallest norm, then the latest success."""
        shape = (len(self._labels), self._restarts)
        norms = np.where(np.isfinite(self._norms), self._norms, 1e9 - self._success)
        best: NDArray[np.int64] = norms.reshape(shape).argmin(axis=1) + np.arange(shape[0]) * shape[1]
        return best


def _starts(
    form: TriggerModel, labels: NDArray[np.int64], each: int, shape: tuple[int, int, int], seed: int
) -> tuple[Any, ...]:
    """Return the first state of all restarts: the form's parameters, and empty moments of each.

    A restart's start depends on its label and number only.
    """
    import tensorflow as tf

    restarts = [
        form.start(
            random_numbers(seed, Stream.STARTS, int(label), number), shape, Restart(int(label), number)
        )
        for label in labels
        for number in range(each)
    ]
    params = [tf.constant(np.stack(values), tf.float32) for values in zip(*restarts, strict=True)]
    return first_state(*params)
