"""Layers that training does not produce: each rule looks at the graph, none at a list of known backdoors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gate.core.text import printable
from gate.detectors.shared.constants import reals
from gate.detectors.structure.activations import function, is_rectifier, odd_limits, odd_options, squash
from gate.detectors.structure.affine import Affine, affine, numbers
from gate.detectors.structure.side_branches import bypass, gate
from gate.detectors.structure.tensors import Graph
from gate.models.graph.flow import Step

# Beside one number per class they change nothing that matters here.
_PASSIVE = frozenset(
    {"ActivityRegularization", "AlphaDropout", "Average", "Cast", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise",
     "Identity", "Reshape"}
)  # fmt: skip
LARGEST, LARGEST_INSIDE = reals("structure.constructs", "largest", "largest-inside")
LARGEST_POWER, _LOWEST_SHIFT = reals("structure.constructs", "largest-power", "lowest-shift")
_HALVES = ("float16", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Construct:
    """Something that training does not produce.

    Attributes:
        kind: Name of the measurement that counts it.
        operation: Keras' layer or operation.
        why: What is odd about it, as the end of a sentence that begins with its name.
    """

    kind: str
    operation: Any
    why: str


def constructs(graph: Graph) -> list[Construct]:
    """Return everything in a network that training does not produce, in the order of its steps."""
    return [
        Construct(kind=kind, operation=step.operation, why=why)
        for step in graph.flow.steps
        for kind, rule in _RULES.items()
        if (why := rule(step, graph))
    ]


def _threshold(step: Step, graph: Graph) -> str:
    """An activation that is blind below a threshold: no gradient leads to what lies above."""
    return odd_options(step.operation) or odd_limits(step) or _shifted(step, graph)


def _shifted(step: Step, graph: Graph) -> str:
    """A threshold in two layers: a shift downwards, then a rectifier."""
    if step.mixes or not is_rectifier(step) or graph.is_raw(step.inputs[0]):
        return ""
    found = affine(graph.makers[step.inputs[0]])
    return (
        ""
        if found is None or found.lowest >= _LOWEST_SHIFT
        else f"cuts off what was shifted by {found.lowest:g}"
    )


def _squash(step: Step, graph: Graph) -> str:
    """A softmax in the middle: behind it all differences are small, and numbers are scaled up again."""
    scores, name = step.outputs[0], squash(step)
    if not name or graph.remaining[scores] or not graph.holds_scores(scores):
        return ""
    if {each.kind for each in graph.consumers[scores]} == {"Log"}:
        return ""  # together a log-softmax, which keeps the differences
    scaled = None if step.mixes else _scaled_before(step, graph)
    if name == "tanh" and scaled is not None and scaled.is_shrinking:
        return ""  # a cap on the scores
    if not all(_is_harmless(each, name) for each in graph.after(scores)):
        return "squashes the scores, and they are scaled again"
    is_last = not any(squash(each) == "softmax" for each in graph.after(scores))
    return "squashes scores that were scaled for it" if name == "softmax" and scaled and not is_last else ""


def _scaled_before(step: Step, graph: Graph) -> Affine | None:
    found = (affine(each) for each in graph.before(step.inputs[0]))
    return next((each for each in found if each is not None and not each.is_shift), None)


def _is_harmless(step: Step, name: str) -> bool:
    found = affine(step)
    if found is not None:
        return found.is_shift
    if name != "softmax":
        return True  # it may be a gate, as of squeeze and excitation
    return step.kind in _PASSIVE or bool(squash(step)) or function(step.operation) == "linear"


def _undone(step: Step, graph: Graph) -> str:
    """Two scalings of the picture of which the second takes back the first: only who reads the layers is told something."""
    later = affine(step) if len(step.inputs) == 1 and graph.is_raw(step.inputs[0]) else None
    if later is None:
        return ""
    earlier = [(each, found) for each in graph.before(step.inputs[0]) if (found := affine(each)) is not None]
    for place, (each, found) in enumerate(earlier):
        if later.takes_back(found, is_next=place == 0):
            return f"takes back the scaling of {printable(repr(each.operation.name), 60)}"
    return ""


def _constant(step: Step, graph: Graph) -> str:
    """A number that is far larger than those of features and weights."""
    if step.kind == "Power" and (given := numbers(step)) is not None and np.abs(given).max() > LARGEST_POWER:
        return f"raises to the power {np.abs(given).max():g}"
    if heavy := _heavy(step, graph):
        return heavy
    found = affine(step)
    is_inside = found is not None and not graph.is_raw(step.inputs[0]) and not found.is_usual
    if found is not None and (found.largest >= LARGEST or (is_inside and found.largest > LARGEST_INSIDE)):
        return f"holds the constant {found.largest:g}"
    return ""


def _heavy(step: Step, graph: Graph) -> str:
    # Weights of the last layer may be as large as they like: that changes no prediction, and is tempered elsewhere.
    if not graph.remaining[step.outputs[0]]:
        return ""
    weights = step.operation.weights if step.mixes else _gains(step.operation)
    largest = max((float(np.abs(np.asarray(weight)).max(initial=0.0)) for weight in weights), default=0.0)
    return f"holds the weight {largest:g}" if largest >= LARGEST else ""


def _gains(layer: Any) -> list[Any]:
    # What a normalisation measured may be of any size.
    found = (getattr(layer, name, None) for name in ("gamma", "beta"))
    return [each for each in found if each is not None]


def _cast(step: Step, graph: Graph) -> str:
    """A change of the number type in the middle."""
    if step.kind != "Cast" or graph.is_raw(step.inputs[0]):
        return ""
    target = str(step.operation.dtype)
    is_last = graph.remaining[step.outputs[0]] == 0 and target in ("float32", "float64")
    return "" if is_last or target == graph.precision else f"casts to {target} in the middle"


def _precision(step: Step, graph: Graph) -> str:
    """A layer of another precision than the network's; the ends of a half one may be whole."""
    allowed = {graph.precision, "float32"} if graph.precision in _HALVES else {graph.precision}
    own = getattr(step.operation, "compute_dtype", None)
    return "" if own is None or own in allowed else f"computes in {own} among {graph.precision}"


_RULES: dict[str, Callable[[Step, Graph], str]] = {
    "thresholds": _threshold,
    "gates": gate,
    "bypasses": bypass,
    "squashes": _squash,
    "undone_scalings": _undone,
    "constants": _constant,
    "casts": _cast,
    "odd_precisions": _precision,
}
KINDS = tuple(_RULES)
