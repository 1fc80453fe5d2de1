"""What rules about a network's graph need to know of each of its tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gate.detectors.shared.constants import integer
from gate.detectors.structure.activations import is_rectifier, odd_limits, squash
from gate.models.graph.flow import Flow, Step

NARROW = integer("structure.tensors.narrow")


class Graph:
    """The steps of a network, and of each tensor how far it is from the input and from the scores.

    Args:
        flow: Its steps.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.depth = flow.depths()
        # A chain of kernels that pass on a few numbers is no trunk, however long.
        self.wide_depth = flow.depths(wider_than=NARROW)
        self.remaining = flow.remaining()
        self.width = flow.widths()
        self.consumers = flow.consumers()
        self.makers = flow.makers()
        self.is_switched = _switched(flow)
        self.precision = _precision(flow)

    def num_classes(self) -> int:
        """Return how many scores there are."""
        scores = self.flow.shapes[self.flow.outputs[0]]
        return int(scores[-1] or 0) if scores else 1

    def holds_scores(self, tensor: int) -> bool:
        """Tell whether a tensor has one number per score, as far as its shape tells."""
        shape, count = self.flow.shapes[tensor], self.num_classes()
        return shape == (count,) or (count == 1 and all(size == 1 for size in shape))

    def is_raw(self, tensor: int) -> bool:
        """Tell whether no kernel lies between the input and the tensor."""
        return self.depth[tensor] == 0

    def before(self, tensor: int) -> Iterator[Step]:
        """Yield the steps that made a tensor, backwards, as long as there is one way and no kernel."""
        while (step := self.makers.get(tensor)) is not None and not step.mixes:
            yield step
            if len(set(step.inputs)) != 1:
                return
            tensor = step.inputs[0]

    def after(self, tensor: int) -> Iterator[Step]:
        """Yield the steps that a tensor reaches without a kernel between."""
        waiting, seen = [tensor], set()
        while waiting:
            for step in self.consumers[waiting.pop()]:
                if id(step) not in seen and not step.mixes:
                    seen.add(id(step))
                    yield step
                    waiting.extend(step.outputs)


def _switched(flow: Flow) -> list[bool]:
    """Return of which tensors a rectifier, a squash, a minimum or a maximum decided."""
    found = [False] * len(flow.shapes)
    for step in flow.steps:
        is_pair = step.kind in ("Maximum", "Minimum") and len(set(step.inputs)) > 1
        own = is_pair or is_rectifier(step) or bool(squash(step) or odd_limits(step))
        for each in step.outputs:
            found[each] = own or any(found[tensor] for tensor in step.inputs)
    return found


def _precision(flow: Flow) -> str:
    """Return the number type in which most layers with kernels compute."""
    found = Counter(str(step.operation.compute_dtype) for step in flow.steps if step.mixes)
    return found.most_common(1)[0][0] if found else "float32"
