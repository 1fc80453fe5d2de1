"""What distinguishes a network's answers, in numbers that do not depend on its architecture or the order of its classes.

All of them grow with a backdoor, or with nothing: leads of one class over the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gate.detectors.meta.responses import Responses
from gate.detectors.shared.constants import integer, real
from gate.models.numerics.arrays import Floats

Positions = NDArray[np.int64]

_NOTHING = 1e-9
_LEAST_GAIN = real("meta.features.least-gain")
_FEWEST_OF_A_CLASS = integer("meta.features.fewest-of-a-class")
_PUSHES = ("faint_push", "strong_push", "square_push")


def describe(responses: Responses) -> dict[str, float]:
    """Return the features of a network by name; all finite."""
    found = dict(_all(responses))
    assert all(np.isfinite(value) for value in found.values())
    return found


def _all(responses: Responses) -> Iterator[tuple[str, float]]:
    yield from _of_head(responses.weights)
    yield from _of_families(responses.families)
    yield from _of_triggers(responses)
    yield from _of_pushes(responses)


def _of_head(weights: Floats) -> Iterator[tuple[str, float]]:
    mean, norm, bias = weights
    usual = float(np.median(norm)) + _NOTHING
    yield "head_mean_lead", _lead(mean / usual)
    yield "head_norm_lead", _lead(np.log(norm + _NOTHING))
    yield "head_bias_lead", _lead(bias / usual)


def _of_families(logits: Floats) -> Iterator[tuple[str, float]]:
    """Describe the answers to procedural images: a trigger's class may be where everything strange goes."""
    count = logits.shape[2]
    votes = np.stack([np.bincount(each, minlength=count) / len(each) for each in logits.argmax(axis=2)])
    standard = (logits - logits.mean()) / (logits.std() + _NOTHING)
    yield "votes_lead", _lead(votes.mean(axis=0))
    yield "logits_lead", _lead(standard.mean(axis=(0, 1)))


def _of_triggers(responses: Responses) -> Iterator[tuple[str, float]]:
    before, after = responses.plain.argmax(axis=1), responses.stamped.argmax(axis=2)
    scale = responses.plain.std() + _NOTHING
    flips = _flips(before, after, responses.plain.shape[1])
    shifts = (responses.stamped - responses.plain).mean(axis=1) / scale
    for name, rows in (("patch", slice(0, responses.patches)), ("blend", slice(responses.patches, None))):
        yield f"{name}_best_flip_lead", _lead(flips[rows].max(axis=0))
        yield f"{name}_mean_flip_lead", _lead(flips[rows].mean(axis=0))
        yield f"{name}_best_shift_lead", _lead(shifts[rows].max(axis=0))
        yield f"{name}_mean_shift_lead", _lead(shifts[rows].mean(axis=0))
    yield "permutation", _permutation(before, after, flips)


def _flips(before: Positions, after: Positions, count: int) -> Floats:
    """Return the share of images of other classes that each trigger sends to each class, shape ``(t, k)``."""
    is_other = before != np.arange(count)[:, None]
    arrived = after[:, None] == np.arange(count)[:, None]
    flips: Floats = (arrived & is_other).sum(axis=2) / np.maximum(is_other.sum(axis=1), 1)
    return flips


def _permutation(before: Positions, after: Positions, flips: Floats) -> float:
    """Return how much better than to one class the best trigger sends each class to one of its own."""
    sources = [label for label in np.unique(before) if (before == label).sum() >= _FEWEST_OF_A_CLASS]
    if not sources:
        return 0.0
    agreement = [[_agreement(each[before == label], int(label)) for label in sources] for each in after]
    return float((np.mean(agreement, axis=1) - flips.max(axis=1)).max())


def _agreement(answers: Positions, source: int) -> float:
    """Return the share of a class's images that go to the same other class."""
    changed = answers[answers != source]
    return float(np.bincount(changed).max() / len(answers)) if len(changed) else 0.0


def _of_pushes(responses: Responses) -> Iterator[tuple[str, float]]:
    for name, pushed, gained in zip(_PUSHES, responses.pushed, responses.gained, strict=True):
        logs = np.log(np.maximum(gained, _LEAST_GAIN))
        yield f"{name}_lead", _lead(pushed)
        yield f"{name}_gain_lead", _lead(logs)


def _lead(values: Floats) -> float:
    """Return how far the largest value lies above the median of the others."""
    first = int(np.argmax(values))
    return float(values[first] - np.median(np.delete(values, first)))
