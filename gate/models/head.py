"""Where the class scores of a network are: before its softmax, and before what only squashes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.training_loss import TrainingLoss
from gate.models.graph.backwards import Harmless, activation_of, before, linear_copy, source

# Losses that a regression is trained with; a linear head under one of them holds numbers, not logits.
_REGRESSION_LOSSES = frozenset(
    {"mse", "mae", "mape", "msle", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
     "mean_squared_logarithmic_error", "huber", "huber_loss", "log_cosh", "logcosh"}
)  # fmt: skip
# Strictly monotone, and the same for every class: behind one the first class is first still.
_KEEPS_ORDER = Harmless(
    activations=frozenset(
        {"elu", "exponential", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "selu", "sigmoid", "softmax",
         "softplus", "softsign", "squareplus", "tanh"}
    ),
    kinds=frozenset(
        {"ActivityRegularization", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU",
         "LogSoftmax", "Sigmoid", "Softmax", "Tanh"}
    ),
    may_scale=True,
    may_shift=True,
)  # fmt: skip
_SAVE_AS_IMAGE_NET = "Exclude this path in the policy (exclude:) if it is no image classifier."


@dataclass(frozen=True, slots=True)
class Head:
    """Where the logits are.

    Attributes:
        network: Cut before its softmax or sigmoid, and before what only squashes the scores.
        kind: "softmax", "sigmoid" or "logits": what was cut.
        scored: A network that puts the class first that the model as it is says.
    """

    network: Any
    kind: str
    scored: Any


def cut_softmax(model: Any, loss: TrainingLoss) -> Head:
    """Return a network of several output units up to its logits.

    Args:
        model: A built Keras model with one output of class scores.
        loss: That it was trained with.

    Raises:
        IncompleteError: It does not end in one score per class (BD003).
    """
    import keras

    last, earlier = source(model.outputs[0])
    while isinstance(last, keras.layers.Activation) and last.activation is keras.activations.linear:
        last, earlier = source(earlier)
    refuse_inner(last)
    if type(last).__name__ == "Softmax":  # the layer, or the operation keras.ops.softmax
        if getattr(last, "axis", -1) not in (-1, 1, [-1], [1]):
            raise unsupported("The last softmax is not over the classes; expected axis -1.")
        return _head(model, earlier, "softmax")
    if _activation(last) == "linear":
        refuse_regression(loss)
        return _head(model, model.outputs[0], "logits")
    if isinstance(last, keras.layers.Activation):
        return _head(model, earlier, "softmax")
    return _head(model, linear_copy(last, earlier), "softmax")


def _head(model: Any, scores: Any, kind: str) -> Head:
    """Return the network up to its class scores, or further back: to where nothing but their scale is made of them.

    A search that works at scores which such layers have squashed is deaf: the classes' order is the same before and after.
    """
    import keras

    logits = before(scores, _KEEPS_ORDER)
    return Head(model if logits is model.outputs[0] else keras.Model(model.inputs, logits), kind, model)


def _activation(last: Any) -> str:
    """Return "softmax" or "linear", or refuse what is neither."""
    import keras

    activation = activation_of(last)
    if activation == "sigmoid":
        raise unsupported("The output is one sigmoid per label (multi-label); expected one class per image.")
    # Recurrent layers have an activation, too, but inside their loop.
    outermost = (keras.layers.Activation, keras.layers.Dense, keras.layers.EinsumDense)
    if activation not in ("softmax", "linear") or not isinstance(last, outermost):
        raise unsupported(
            f"The output layer has the activation {activation or type(last).__name__}; "
            "expected softmax, or linear logits."
        )
    return activation


def refuse_inner(last: Any) -> None:
    """Refuse a network that ends in another network (BD003)."""
    import keras

    if isinstance(last, keras.Model):
        raise unsupported(
            "The last layer is a model within the model; expected a Dense, Activation or Softmax layer."
        )


def refuse_regression(loss: TrainingLoss) -> None:
    """Refuse a linear head that was trained to give numbers (BD003)."""
    if loss.name.lower() in _REGRESSION_LOSSES:
        raise unsupported(
            f"The output is linear and was trained with the loss {loss}: a regression; expected a classifier."
        )


def unsupported(message: str, hint: str = _SAVE_AS_IMAGE_NET) -> IncompleteError:
    """Return the error of a network that is no image classifier (BD003)."""
    return IncompleteError(incomplete_rules.UNSUPPORTED.id, message, hint=hint)
