"""A network with one output unit: the logits of its two classes are `(0, z)`, for `softmax(0, z) = (1 - sigmoid(z), sigmoid(z))`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.training_loss import TrainingLoss
from gate.models.graph.backwards import Harmless, activation_of, before, linear_copy, source
from gate.models.head import Head, refuse_inner, refuse_regression, unsupported

# Both count what is above 0 as the second class.
_OF_LOGITS = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
_OF_SIGNS = frozenset({"hinge", "squared_hinge"})
_INERT = frozenset(
    {"ActivityRegularization", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise", "Identity", "Reshape", "Squeeze"}
)  # fmt: skip
# Behind one of them the number is the same.
_PASSES = Harmless(activations=frozenset({"linear"}), kinds=_INERT)
# Behind one of them it is above 0 where it was before.
_KEEPS_SIGN = Harmless(
    activations=frozenset({"elu", "leaky_relu", "linear", "selu", "softsign", "tanh"}),
    kinds=_INERT | {"Tanh"},
    may_scale=True,
)
_MEND = (
    "End a two-class network in one sigmoid or in a softmax over two units, or compile it with "
    "BinaryCrossentropy(from_logits=True) and save it so. Exclude this path in the policy (exclude:) if it is no image classifier."
)


def cut_one_unit(model: Any, loss: TrainingLoss) -> Head:
    """Return the network of a model with one output unit up to the logits of its two classes.

    Args:
        model: A built Keras model whose output is one number per image.
        loss: That it was trained with: it tells logits from a regression.

    Raises:
        IncompleteError: Nothing says that the number tells two classes apart, or how (BD003).
    """
    import keras

    end = before(model.outputs[0], _PASSES)
    last, earlier = source(end)
    refuse_inner(last)
    is_squashed = _ending(last) == "sigmoid"
    if is_squashed:
        score = earlier if _is_weightless(last) else linear_copy(last, earlier)
    else:
        _require_sign(_ending(last), loss)
        score = end
    network = keras.Model(model.inputs, _both(before(score, _KEEPS_SIGN)))
    return Head(network, "sigmoid" if is_squashed else "logits", keras.Model(model.inputs, _both(score)))


def evenly(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `(-w / 2, w / 2)` for weights `(0, w)` of two classes: they give the same probabilities, and treat the classes alike.

    Args:
        weights: Shape ``(..., 2)``.
    """
    shared: NDArray[np.float64] = weights - weights.mean(axis=-1, keepdims=True)
    return shared


def _is_weightless(last: Any) -> bool:
    return not getattr(last, "weights", ())


def _ending(last: Any) -> str:
    """Return the activation that a network ends in: "sigmoid", "tanh" or "linear"; refuse everything else."""
    import keras

    kind = type(last).__name__
    # As operations they stand there by these names.
    name = activation_of(last) or {"Sigmoid": "sigmoid", "Softmax": "softmax", "Tanh": "tanh"}.get(kind, "")
    if name == "softmax":
        raise unsupported(
            "The output is a softmax over one unit, which is 1 for every image; expected a sigmoid, or two units.",
            hint=_MEND,
        )
    # Recurrent layers have an activation, too, but inside their loop.
    outermost = (keras.layers.Activation, keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv2D)
    is_outermost = isinstance(last, outermost) or kind in ("Sigmoid", "Tanh")
    if name not in ("sigmoid", "tanh", "linear") or not is_outermost:
        raise unsupported(
            f"The one output unit ends in {name or kind}; expected a sigmoid, or a linear logit.", hint=_MEND
        )
    return name


def _require_sign(ending: str, loss: TrainingLoss) -> None:
    """Refuse a number of which the loss does not say that its sign tells two classes apart."""
    if loss.name in _OF_SIGNS:
        return
    if ending == "tanh":
        raise unsupported(
            f"The one output unit is a tanh, trained with {_told(loss)}; expected a sigmoid, or a tanh under a hinge loss.",
            hint=_MEND,
        )
    refuse_regression(loss)
    if loss.name not in _OF_LOGITS:
        raise unsupported(
            f"The one output unit is linear, trained with {_told(loss)}: it could be a regression; expected a sigmoid, or a loss "
            "that says that it is a logit.",
            hint=_MEND,
        )
    if not loss.from_logits:
        raise unsupported(
            f"The one output unit is linear, and its loss {loss} takes it for a probability; expected a sigmoid, or "
            "from_logits=True.",
            hint=_MEND,
        )


def _told(loss: TrainingLoss) -> str:
    return f"the loss {loss}" if loss.name else "a loss that the file does not tell"


def _both(score: Any) -> Any:
    """Return the logits `(0, z)` of both classes, shape ``(n, 2)``, for the score z of the second."""
    import keras

    layer, inputs = source(score)
    if type(layer) is keras.layers.Dense and len(score.shape) == 2 and layer.quantization_mode is None:
        return _widened(layer, inputs)
    row = score if len(score.shape) == 2 else keras.ops.reshape(score, (-1, 1))
    return keras.ops.multiply(row, np.array([[0.0, 1.0]], np.float32))


def _widened(layer: Any, inputs: Any) -> Any:
    """Return the output of a linear layer of one unit with a second unit before it, whose weights are 0."""
    wide = type(layer).from_config({**layer.get_config(), "units": 2, "name": f"{layer.name}_of_two_classes"})
    outputs = wide(inputs)
    wide.set_weights([np.concatenate([np.zeros_like(each), each], axis=-1) for each in layer.get_weights()])
    return outputs
