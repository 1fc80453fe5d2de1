"""A network as one list of steps from its input to its scores, inner networks unfolded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# They have weights and mix nothing: one factor and one summand for each feature.
_SCALERS = frozenset(
    {"BatchNormalization", "GroupNormalization", "LayerNormalization", "LayerScale", "Normalization", "PReLU",
     "RMSNormalization"}
)  # fmt: skip
_DEEPEST = 64
_FAR = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call of a layer or of an operation.

    Attributes:
        operation: Keras' layer or operation.
        inputs: Numbers of the tensors that go in; one that goes in twice stands there twice.
        outputs: Numbers of the tensors that come out.
        constants: Numbers and arrays that it is called with beside them.
        is_constant_first: Whether such a number stands before the first tensor, as in `1 - x`.
    """

    operation: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: tuple[Any, ...]
    is_constant_first: bool

    @property
    def kind(self) -> str:
        """Name of the class of the layer or operation."""
        return type(self.operation).__name__

    @property
    def mixes(self) -> bool:
        """Whether it has a kernel: weights that mix features, as training makes them."""
        weights = getattr(self.operation, "weights", ())
        return self.kind not in _SCALERS and any(len(weight.shape) > 1 for weight in weights)


@dataclass(frozen=True, slots=True)
class Flow:
    """The steps of a network, each after those that it waits for.

    Attributes:
        steps: Only those on a way from the input to the scores.
        shapes: Of the tensors by number, without the batch; the first is the input.
        outputs: Numbers of the tensors that hold the scores.
    """

    steps: tuple[Step, ...]
    shapes: tuple[tuple[int | None, ...], ...]
    outputs: tuple[int, ...]

    def depths(self, wider_than: int = 0) -> list[int]:
        """Return how many kernels lie between the input and each tensor, on the longest way.

        Args:
            wider_than: Only kernels count that mix more numbers than this.
        """
        found, widths = [0] * len(self.shapes), self.widths()
        for step in self.steps:
            counts = step.mixes and sum(widths[each] for each in set(step.inputs)) > wider_than
            depth = max((found[each] for each in step.inputs), default=0) + counts
            for each in step.outputs:
                found[each] = depth
        return found

    def remaining(self) -> list[int]:
        """Return how many kernels lie between each tensor and the scores, on the shortest way."""
        found = [_FAR] * len(self.shapes)
        for each in self.outputs:
            found[each] = 0
        for step in reversed(self.steps):
            after = min((found[each] for each in step.outputs), default=_FAR) + step.mixes
            for each in step.inputs:
                found[each] = min(found[each], after)
        return found

    def widths(self) -> list[int]:
        """Return through how many numbers all must pass that each tensor knows of the picture."""
        found = [_size(shape) for shape in self.shapes]
        for step in self.steps:
            known = sum(found[each] for each in set(step.inputs))
            for each in step.outputs:
                found[each] = min(found[each], known)
        return found

    def consumers(self) -> list[list[Step]]:
        """Return which steps take each tensor."""
        found: list[list[Step]] = [[] for _ in self.shapes]
        for step in self.steps:
            for each in set(step.inputs):
                found[each].append(step)
        return found

    def makers(self) -> dict[int, Step]:
        """Return which step makes each tensor; the input has none."""
        return {each: step for step in self.steps for each in step.outputs}


def flow(network: Any) -> Flow:
    """Return the steps of a built functional or Sequential network."""
    unfolding = _Unfolding([], [])
    given = [unfolding.number(tensor) for tensor in network.inputs]
    outputs = unfolding.run(network, given, 0)
    return Flow(tuple(unfolding.steps), tuple(unfolding.shapes), tuple(outputs))


@dataclass(frozen=True, slots=True)
class _Unfolding:
    steps: list[Step]
    shapes: list[tuple[int | None, ...]]

    def number(self, tensor: Any) -> int:
        """Return the number of a new tensor."""
        self.shapes.append(tuple(tensor.shape[1:]))
        return len(self.shapes) - 1

    def run(self, network: Any, given: list[int], depth: int) -> list[int]:
        """Note the steps of a network that is called with tensors, and return the numbers of what comes out."""
        if depth > _DEEPEST:
            raise ValueError(f"networks are nested more than {_DEEPEST} levels deep")
        graph = getattr(network, "_functional", None) or network
        known = dict(zip(map(id, graph.inputs), given, strict=True))
        for node in _nodes(graph):
            made = self._call(node, [known[id(tensor)] for tensor in node.input_tensors], depth)
            known.update(zip(map(id, node.outputs), made, strict=True))
        return [known[id(tensor)] for tensor in graph.outputs]

    def _call(self, node: Any, inputs: list[int], depth: int) -> list[int]:
        import keras

        if isinstance(node.operation, keras.Model):
            return self.run(node.operation, inputs, depth + 1)
        outputs = [self.number(tensor) for tensor in node.outputs]
        others, is_first = _constants(node)
        self.steps.append(Step(node.operation, tuple(inputs), tuple(outputs), others, is_first))
        return outputs


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield the calls of a functional network in the order in which Keras makes them."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from (node for node in graph._nodes_by_depth[depth] if not node.is_input)


def _constants(node: Any) -> tuple[tuple[Any, ...], bool]:
    import keras

    arguments = keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
    is_tensor = [isinstance(each, keras.KerasTensor) for each in arguments]
    others = tuple(each for each, is_one in zip(arguments, is_tensor, strict=True) if not is_one)
    return others, not is_tensor[0]


def _size(shape: tuple[int | None, ...]) -> int:
    return math.prod(_FAR if size is None else size for size in shape)
