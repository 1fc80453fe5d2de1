"""Where the class scores of a network are: before its softmax, and before what only squashes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError

# Losses that a regression is trained with; a linear head under one of them holds numbers, not logits.
_REGRESSION_LOSSES = frozenset(
    {"mse", "mae", "mape", "msle", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
     "mean_squared_logarithmic_error", "huber", "huber_loss", "log_cosh", "logcosh"}
)  # fmt: skip
# Strictly monotone, and the same for every class: behind one the first class is first still.
_MONOTONE = frozenset(
    {"elu", "exponential", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "selu", "sigmoid", "softmax", "softplus",
     "softsign", "squareplus", "tanh"}
)  # fmt: skip
_KEEPS_ORDER = frozenset(
    {"ActivityRegularization", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU", "LogSoftmax",
     "Sigmoid", "Softmax", "Tanh"}
)  # fmt: skip
_SAVE_AS_IMAGE_NET = "Exclude this path in the policy (exclude:) if it is no image classifier."


@dataclass(frozen=True, slots=True)
class Head:
    """Where the logits are.

    Attributes:
        network: Cut before its softmax, and before what only squashes the scores.
        kind: "softmax" or "logits": what was cut.
    """

    network: Any
    kind: str


def cut_softmax(model: Any) -> Head:
    """Return the network up to its logits.

    Raises:
        IncompleteError: It does not end in one score per class (BD003).
    """
    import keras

    last, before = _source(model.outputs[0])
    while isinstance(last, keras.layers.Activation) and last.activation is keras.activations.linear:
        last, before = _source(before)
    if isinstance(last, keras.Model):
        raise unsupported(
            "The last layer is a model within the model; expected a Dense, Activation or Softmax layer."
        )
    if type(last).__name__ == "Softmax":  # the layer, or the operation keras.ops.softmax
        if getattr(last, "axis", -1) not in (-1, 1, [-1], [1]):
            raise unsupported("The last softmax is not over the classes; expected axis -1.")
        return _head(model, before, "softmax")
    if _activation(last) == "linear":
        return _head(model, model.outputs[0], "logits")
    if isinstance(last, keras.layers.Activation):
        return _head(model, before, "softmax")
    return _head(model, _linear_copy(last, before), "softmax")


def _head(model: Any, scores: Any, kind: str) -> Head:
    """Return the network up to its class scores, or further back: to where nothing but their scale is made of them."""
    import keras

    logits = _before_monotone(scores)
    return Head(model if logits is model.outputs[0] else keras.Model(model.inputs, logits), kind)


def _before_monotone(scores: Any) -> Any:
    """Return the tensor behind which every layer keeps the order of the classes and has no weights.

    A search that works at scores which such layers have squashed is deaf: the classes' order is the same before and after.
    """
    while True:
        last, before = _source(scores)
        if before is not None and _is_monotone(last) and before.shape == scores.shape:
            scores = before
        elif _is_squashing(last):
            return _linear_copy(last, before)
        else:
            return scores


def _is_monotone(layer: Any) -> bool:
    """Return whether a layer or operation without weights keeps the order of a picture's class scores."""
    import keras

    if isinstance(layer, keras.layers.Activation):
        return getattr(layer.activation, "__name__", "") in _MONOTONE
    if isinstance(layer, keras.layers.Rescaling):
        return np.ndim(layer.scale) == 0 and np.ndim(layer.offset) == 0 and float(layer.scale) > 0
    # Softmax, tanh and sigmoid stand there as operations, too, by the same names.
    return type(layer).__name__ in _KEEPS_ORDER


def _is_squashing(layer: Any) -> bool:
    """Return whether a last weighted layer has an activation that only squashes its scores."""
    import keras

    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense)) and name in _MONOTONE - {
        "linear"
    }


def _activation(last: Any) -> str:
    """Return "softmax" or "linear", or refuse what is neither."""
    import keras

    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if activation == "sigmoid":
        raise unsupported("The output is one sigmoid per label (multi-label); expected one class per image.")
    # Recurrent layers have an activation, too, but inside their loop.
    outermost = (keras.layers.Activation, keras.layers.Dense, keras.layers.EinsumDense)
    if activation not in ("softmax", "linear") or not isinstance(last, outermost):
        raise unsupported(
            f"The output layer has the activation {activation or type(last).__name__}; "
            "expected softmax, or linear logits."
        )
    return str(activation)


def _source(tensor: Any) -> tuple[Any, Any]:
    """Return the operation that a symbolic tensor comes from, and the tensor that went into it.

    Neither the order of `model.layers` nor `layer.input` tells: the one leaves out operations such as
    `keras.ops.softmax`, the other is ambiguous for a layer that is used twice.
    """
    history = tensor._keras_history
    inputs = history.operation._inbound_nodes[history.node_index].input_tensors
    return history.operation, inputs[0] if inputs else None


def _linear_copy(layer: Any, inputs: Any) -> Any:
    """Return the output of the same layer without its activation; the layer itself may be in use elsewhere."""
    copy = type(layer).from_config(
        {**layer.get_config(), "activation": "linear", "name": f"{layer.name}_logits"}
    )
    outputs = copy(inputs)
    copy.set_weights(layer.get_weights())
    return outputs


def refuse_regression(head: str, loss: str) -> None:
    """Refuse a linear head that was trained to give numbers (BD003)."""
    if head == "logits" and loss.lower() in _REGRESSION_LOSSES:
        raise unsupported(
            f"The output is linear and was trained with the loss {loss}: a regression; expected a classifier."
        )


def unsupported(message: str, hint: str = _SAVE_AS_IMAGE_NET) -> IncompleteError:
    """Return the error of a network that is no image classifier (BD003)."""
    return IncompleteError(incomplete_rules.UNSUPPORTED.id, message, hint=hint)
