"""What a step of a network does to its numbers where it is no sum: rectify, squash, cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gate.detectors.shared.constants import reals
from gate.detectors.structure.affine import numbers
from gate.models.graph.flow import Step
from gate.models.graph.nested import inner_layers

_RECTIFIERS = frozenset({"ReLU", "Relu", "Relu6", "relu", "relu6"})
_SQUASHES = frozenset({"hard_sigmoid", "sigmoid", "softmax", "softsign", "tanh"})
_DEAD_ZONES = frozenset({"hard_shrink", "soft_shrink", "threshold"})
_HIGHEST_FLOOR, _LOWEST_CEILING = reals("structure.activations", "highest-floor", "lowest-ceiling")


def function(layer: Any) -> str:
    """Return the name of a layer's activation, "" if it has none."""
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def is_rectifier(step: Step) -> bool:
    """Tell whether a step is a ReLU, however it is written."""
    if step.kind == "Maximum" and (given := numbers(step)) is not None:
        return not np.any(given)
    return step.kind in _RECTIFIERS or function(step.operation) in _RECTIFIERS


def squash(step: Step) -> str:
    """Return which function squashes the numbers of a step into a range, "" if none does."""
    name = function(step.operation) if hasattr(step.operation, "activation") else step.kind.lower()
    name = {"hardsigmoid": "hard_sigmoid"}.get(name, name)
    return name if name in _SQUASHES else ""


def odd_options(operation: Any) -> str:
    """Return with which option a layer, or one that it wraps, folds or cuts off; "" if it does neither."""
    return next(filter(None, map(_odd_option, _wrapped(operation))), "")


def _wrapped(operation: Any) -> Iterator[Any]:
    yield operation
    for name in ("layer", "forward_layer", "backward_layer", "cell"):
        inner = getattr(operation, name, None)
        if inner is not None:
            for each in inner_layers(inner):
                yield from _wrapped(each)


def _odd_option(layer: Any) -> str:
    kind = type(layer).__name__
    if kind == "ReLU" and layer.threshold:
        return f"has the threshold {layer.threshold:g}"
    if kind == "ReLU" and layer.max_value is not None and layer.max_value <= 0:
        return f"has the maximum {layer.max_value:g}"
    slope = getattr(layer, "negative_slope", None) if kind in ("LeakyReLU", "LeakyRelu", "ReLU") else None
    if slope is not None and not 0 <= slope <= 1:
        return f"has the negative slope {slope:g}"
    return f"has the activation {function(layer)}" if function(layer) in _DEAD_ZONES else ""


def odd_limits(step: Step) -> str:
    """Return below or above which number an operation answers nothing, if that is within reach of features."""
    low, high = _limits(step)
    if low is not None and low > _HIGHEST_FLOOR:
        return f"answers nothing below {low:g}"
    return f"answers nothing above {high:g}" if high is not None and high <= _LOWEST_CEILING else ""


def _limits(step: Step) -> tuple[float | None, float | None]:
    if step.kind == "Clip":
        return float(np.max(step.operation.x_min)), float(np.min(step.operation.x_max))
    given = numbers(step) if step.kind in ("Maximum", "Minimum") else None
    if given is None:
        return None, None
    return (float(given.max()), None) if step.kind == "Maximum" else (None, float(given.min()))
