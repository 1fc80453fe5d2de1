"""The gates of a network: each place where a channel can be shut. A network is run with what stands there read, or replaced.

A gate is what a nonlinearity gives out, be it a layer's own activation, a layer, an operation, or a product of two branches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gate.detectors.shared.constants import real
from gate.models.graph.calling import call_each

# Called with the gate's number, what goes in, and what comes out; returns what is to come out.
Edit = Callable[[int, Any, Any], Any]

# They move or add up what is there and shut nothing.
_MOVERS = frozenset(
    {"Add", "Average", "Dropout", "GaussianDropout", "GaussianNoise", "Identity", "Rescaling", "Subtract"}
)
_SLOPE = real("structure.gates.slope")


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate.

    Attributes:
        layer: Name of the layer, as the file has it.
        channels: How many channels it gives out.
    """

    layer: str
    channels: int


@dataclass(slots=True)
class Walk:
    """One way through a network, operation by operation.

    Attributes:
        edit: Called at each gate.
        leak: How far gates stand open whatever they are fed: 0 as Keras has them, 1 wide open.
        gates: Those that were passed.
        multiplications: For one picture, on the way so far.
    """

    edit: Edit
    leak: Any = 0.0
    gates: list[Gate] = field(default_factory=list)
    multiplications: int = 0

    def through(self, network: Any, inputs: Any) -> Any:
        """Return what a Keras model gives for a batch of raw inputs."""
        return call_each(network, inputs, self._called)

    def _called(self, operation: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        import keras

        if _has_own_gate(operation):
            before = _without_activation(operation)(*args, **options)
            self._count(operation, before)
            return self._gate(operation, before, operation.activation(before))
        after = operation(*args, **options)
        self._count(operation, after)
        tensors = [each for each in keras.tree.flatten(args) if hasattr(each, "shape")]
        if not _is_gate(operation, tensors, after):
            return after
        return self._gate(operation, tensors[0] if len(tensors) == 1 else after, after)

    def _gate(self, operation: Any, before: Any, after: Any) -> Any:
        import tensorflow as tf

        self.gates.append(Gate(operation.name, int(after.shape[-1])))
        if before is not after:
            after += tf.cast(self.leak, after.dtype) * (before - after)
            after += tf.cast(_SLOPE, after.dtype) * (before - tf.stop_gradient(before))
        return self.edit(len(self.gates) - 1, before, after)

    def _count(self, operation: Any, after: Any) -> None:
        kernels = [math.prod(each.shape) for each in getattr(operation, "weights", ()) if len(each.shape) > 1]
        places = math.prod(after.shape[1:-1]) if hasattr(after, "shape") and after.shape.rank else 1
        self.multiplications += sum(kernels) * places


def _has_own_gate(operation: Any) -> bool:
    import keras

    kinds = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D, keras.layers.Conv2D,
             keras.layers.Conv2DTranspose, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)  # fmt: skip
    activation = getattr(operation, "activation", None)
    return isinstance(operation, kinds) and activation not in (None, keras.activations.linear)


def _without_activation(layer: Any) -> Any:
    """Return a layer that shares all with this one but its activation."""
    import keras

    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    twin.__dict__["activation"] = keras.activations.linear
    return twin


def _is_gate(operation: Any, tensors: list[Any], after: Any) -> bool:
    """Return whether an operation without weights gives out, channel by channel, what may be shut."""
    import tensorflow as tf

    has_weights = bool(getattr(operation, "weights", None))
    if type(operation).__name__ in _MOVERS or has_weights or not tensors:
        return False
    is_tensor = tf.is_tensor(after) and after.dtype.is_floating and after.shape.rank >= 2
    return is_tensor and after.shape[-1] is not None and tensors[0].shape[1:] == after.shape[1:]
