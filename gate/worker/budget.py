"""What a budget buys: the fullest plan that this machine can finish in time, told beforehand.

`seconds = elapsed + sum_d (passes_d / rate + graphs t)`: `rate` images a second there and back, with all threads, and `t` seconds to make
one graph, both measured on the network for an instant; `passes_d` is what a detector says it needs at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.core import incomplete_rules
from gate.core.effort import Effort
from gate.core.report import Gap
from gate.detectors.shared.contract import Detector, Searching, needed
from gate.models.numerics.compiled import compiled
from gate.models.numerics.side_by_side import side_by_side
from gate.models.surrogates.impressions import FEWEST_STEPS
from gate.models.surrogates.selection import pool_size

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context
    from gate.models.classifier import Classifier

# Graphs that a search makes, and the images that one batch is measured on: about as many as a search sends at once.
_GRAPHS, _PIXELS, _FEWEST, _MOST = 2, 65_536, 4, 64
_ROUNDS, _PARTS = 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast this machine is with one network.

    Attributes:
        rate: Images a second, there and back, by all threads together.
        graph: Seconds that one graph takes to make.
    """

    rate: float
    graph: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A plan, and the seconds that it takes at most."""

    effort: Effort
    promised: float


def decide(
    budget: float, elapsed: float, detectors: Mapping[str, Detector], context: Context, speed: Speed
) -> Decision:
    """Return the fullest plan that ends within the budget; if none does, the least.

    Args:
        budget: Seconds of wall time for the whole scan.
        elapsed: Seconds that are over.
        detectors: Those of the policy, by id.
        context: The model.
        speed: Of this machine, with it.
    """
    passes = [needed(each, context) for each in detectors.values() if isinstance(each, Searching)]
    look = (
        elapsed + math.fsum(each.look for each in passes) / speed.rate + _GRAPHS * speed.graph * len(passes)
    )
    longer = math.fsum(each.longer for each in passes) / speed.rate
    plans = (
        Decision(effort=Effort.WHOLE, promised=look + longer),
        Decision(effort=Effort.SHORT, promised=look),
    )
    least = Decision(effort=Effort.LEAST, promised=elapsed)
    return next((each for each in plans if each.promised <= budget), least)


def left_out(detectors: Iterable[str]) -> Gap:
    """Return what is missing where there is no time for any search."""
    return Gap(
        rule=incomplete_rules.SCAN_FAILED.id,
        message=f"There is no time for a search on this machine; left out: {', '.join(detectors)}. "
        "Give it more: --budget, or limits.budget and limits.seconds in the policy.",
    )


def speed_of(classifier: Classifier) -> Speed:
    """Measure how fast this machine is with a network; it takes about as long as one graph and a few batches."""
    import tensorflow as tf

    def there_and_back(images: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(classifier.logits(images)[:, 0])
        return tape.gradient(total, images)

    shape = classifier.input_shape
    count = min(_MOST, max(_FEWEST, _PIXELS // (shape[0] * shape[1])))
    images = tf.constant(np.full((count, *shape), 0.5, np.float32))
    started = time.perf_counter()
    graph = compiled(there_and_back, tf.TensorSpec((None, *shape)))
    graph(images).numpy()
    made = time.perf_counter()
    seconds = min(
        _timed(lambda: side_by_side(lambda _: graph(images).numpy(), range(_PARTS))) for _ in range(_ROUNDS)
    )
    return Speed(rate=_PARTS * count / seconds, graph=made - started)


def speed_of_drawing(classifier: Classifier, seconds: float) -> Speed:
    """Return how fast this machine is at least, from the seconds that the first images took: no fewer passes than that were made."""
    passes = FEWEST_STEPS * pool_size(classifier.input_shape)
    return Speed(rate=passes / max(seconds, 1e-3), graph=0.0)


def _timed(function: Any) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started
