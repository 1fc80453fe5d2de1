"""Branches that know too little of the picture to know classes, and yet rule the scores."""

from __future__ import annotations

from gate.detectors.shared.constants import integer
from gate.detectors.structure.tensors import NARROW, Graph
from gate.models.graph.flow import Step

# Ways to weigh one tensor with another, and ways to put one beside the other.
_WEIGHING = frozenset(
    {"AdditiveAttention", "Attention", "Divide", "Dot", "Matmul", "Maximum", "Minimum", "Multiply", "Power", "TrueDivide"}
)  # fmt: skip
_JOINING = frozenset({"Add", "Average", "Concatenate", "Subtract"})
_SHALLOW = integer("structure.side-branches.shallow")


def gate(step: Step, graph: Graph) -> str:
    """Return why a step is a gate that the picture itself or a side branch rules; "" if it is none."""
    if step.kind not in _WEIGHING or len(set(step.inputs)) < 2:
        return ""
    deepest = max(graph.depth[each] for each in step.inputs)
    is_near = graph.remaining[step.outputs[0]] <= 1
    for each in step.inputs:
        if graph.is_raw(each) and graph.is_switched[each]:
            return "is ruled by a switch on the picture itself"
        if graph.is_raw(each) and deepest and (graph.width[each] <= NARROW or (is_near and deepest > 1)):
            return "weighs features with numbers of the picture itself"
        if is_near and _is_matcher(step, graph, each, NARROW):
            return f"is ruled by a side branch that passes through {_count(graph.width[each])}"
    return ""


def bypass(step: Step, graph: Graph) -> str:
    """Return why a step lets a branch reach the scores past the network's own trunk; "" if it does not."""
    if step.kind not in _JOINING or len(set(step.inputs)) < 2:
        return ""
    remaining = graph.remaining[step.outputs[0]]
    deepest = max(graph.depth[each] for each in step.inputs)
    narrow = NARROW if remaining else max(NARROW, graph.num_classes() - 1)
    for each in step.inputs:
        if remaining == 0 and deepest and graph.is_raw(each):
            return "adds numbers of the picture itself to the scores"
        if remaining <= 1 and _is_matcher(step, graph, each, narrow):
            return f"adds a side branch that passes through {_count(graph.width[each])}"
    return ""


def _is_matcher(step: Step, graph: Graph, tensor: int, narrow: int) -> bool:
    """Tell whether a tensor comes from a branch too narrow and too shallow to know classes, beside a deeper one."""
    if graph.is_raw(tensor) and not graph.is_switched[tensor]:
        return False
    depth = graph.wide_depth[tensor]
    deepest = max(graph.wide_depth[each] for each in step.inputs)
    is_at_scores = graph.remaining[step.outputs[0]] == 0 and step.kind != "Concatenate"
    is_shallower = depth + (1 if is_at_scores else 2) <= deepest
    return is_shallower and depth <= _SHALLOW and graph.width[tensor] <= narrow


def _count(width: int) -> str:
    return "one number" if width == 1 else f"{width} numbers"
