"""From a tensor of a built network back to what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmless:
    """Layers and operations behind which scores tell the same as before.

    Attributes:
        activations: Names of activations.
        kinds: Names of classes, none of them with weights.
        may_scale: Whether all scores may be multiplied by one number above 0.
        may_shift: Whether one number may be added to all scores then.
    """

    activations: frozenset[str]
    kinds: frozenset[str]
    may_scale: bool = False
    may_shift: bool = False

    def lets_through(self, layer: Any) -> bool:
        """Return whether a layer or operation is one of them."""
        import keras

        if isinstance(layer, keras.layers.Activation):
            return activation_of(layer) in self.activations
        if isinstance(layer, keras.layers.Rescaling):
            return self.may_scale and self._is_even(layer.scale, layer.offset)
        # Softmax, tanh and sigmoid stand there as operations, too, by the same names.
        return type(layer).__name__ in self.kinds

    def ends(self, layer: Any) -> bool:
        """Return whether a layer with weights has such an activation, and a linear one without would tell the same."""
        import keras

        is_last = isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense))
        return is_last and activation_of(layer) in self.activations - {"linear"}

    def _is_even(self, scale: Any, offset: Any) -> bool:
        is_one = np.ndim(scale) == 0 and np.ndim(offset) == 0
        return is_one and float(scale) > 0 and (self.may_shift or float(offset) == 0)


def before(scores: Any, harmless: Harmless) -> Any:
    """Return the tensor behind which every layer is harmless; the output of a linear copy of a layer whose activation is."""
    while True:
        last, earlier = source(scores)
        if earlier is not None and harmless.lets_through(last) and _are_alike(earlier, scores):
            scores = earlier
        elif harmless.ends(last):
            return linear_copy(last, earlier)
        else:
            return scores


def _are_alike(earlier: Any, later: Any) -> bool:
    """Return whether two tensors have the same shape, or both one number per picture."""
    return earlier.shape == later.shape or (is_one_number(earlier.shape) and is_one_number(later.shape))


def is_one_number(shape: tuple[int | None, ...]) -> bool:
    """Return whether a shape, that of the batch included, has one number per picture."""
    return all(size == 1 for size in shape[1:])


def activation_of(layer: Any) -> str:
    """Return the name of a layer's activation; "" if it has none."""
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def source(tensor: Any) -> tuple[Any, Any]:
    """Return the operation that a symbolic tensor comes from, and the tensor that went into it.

    Neither the order of `model.layers` nor `layer.input` tells: the one leaves out operations such as
    `keras.ops.softmax`, the other is ambiguous for a layer that is used twice.
    """
    history = tensor._keras_history
    inputs = history.operation._inbound_nodes[history.node_index].input_tensors
    return history.operation, inputs[0] if inputs else None


def linear_copy(layer: Any, inputs: Any) -> Any:
    """Return the output of the same layer without its activation; the layer itself may be in use elsewhere."""
    copy = type(layer).from_config(
        {**layer.get_config(), "activation": "linear", "name": f"{layer.name}_logits"}
    )
    outputs = copy(inputs)
    copy.set_weights(layer.get_weights())
    return outputs
