"""An image classifier seen from outside: images in 0..1 go in, logits and activations come out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.core import rules
from gate.core.errors import IncompleteError
from gate.core.text import printable
from gate.models.finite import finite
from gate.models.side_by_side import side_by_side

if TYPE_CHECKING:
    import tensorflow as tf

Images = NDArray[np.float32]

# Pictures that the network sees at once: 128 up to 64 x 64, fewer of larger ones.
_BATCH, _FEWEST, _PIXELS = 128, 8, 128 * 64 * 64
_FEWEST_PIXELS = 16
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
    """Where the logits are: the network cut before its softmax, and what was cut."""

    network: Any
    kind: str


class Classifier:
    """A Keras image classifier whose input is scaled to 0..1 and whose softmax is cut off.

    Args:
        model: A built Keras model with one input (h, w, c) and one output of k classes.
        loss: Name of the training loss as the file claims, "" if unknown.

    Raises:
        IncompleteError: The model is no image classifier (rule BD003).
    """

    def __init__(self, model: Any, loss: str = "") -> None:
        self.input_shape = _input_shape(model)
        self.num_classes = _num_classes(model)
        head = _cut_softmax(model)
        _refuse_regression(head.kind, loss)
        self.head = head.kind
        self.network = head.network
        self.parameters = int(model.count_params())
        self.temperature = 1.0
        self.set_input_range(0.0, 1.0)

    def set_input_range(self, low: float, high: float) -> None:
        """State what raw values the network expects for black (low) and white (high)."""
        self.low, self.high = low, high
        self._compiled = self._compile(self.logits)

    def set_temperature(self, temperature: float) -> None:
        """State what all logits are divided by, above 0; the classes keep their order."""
        self.temperature = temperature
        self._compiled = self._compile(self.logits)

    def logits(self, images: tf.Tensor) -> tf.Tensor:
        """Return the logits, shape ``(n, k)``, of images in 0..1, shape ``(n, h, w, c)``; differentiable."""
        import tensorflow as tf

        answers = self.network(self.low + (self.high - self.low) * images, training=False)
        answers = tf.cast(answers, tf.float32)  # a network of mixed precision answers in halves
        return answers if self.temperature == 1.0 else answers / self.temperature

    def predict(self, images: Images) -> NDArray[np.float32]:
        """Return the logits of many images, batch by batch.

        Raises:
            IncompleteError: Some are no numbers (rule BD004).
        """
        return _batched(self._compiled, images)

    def activations(self, images: Images, layer: str = "") -> NDArray[np.float32]:
        """Return what `activation_function` gives for many images, batch by batch."""
        activate = self.activation_function(layer)
        return np.concatenate([activate(part) for part in _batches(images)])

    def activation_function(self, layer: str = "") -> Callable[[Images], NDArray[np.float32]]:
        """Return a function from images, shape ``(n, h, w, c)``, to activations, shape ``(n, d)``.

        Maps of features are averaged over the picture; everything else is flattened.

        Args:
            layer: Name of a layer, whose output is taken; "" for the input of the last layer with weights.

        Raises:
            IncompleteError: There is no such layer.
        """
        import keras

        tensor = (
            _named_layer(self.network, layer).output if layer else _last_weighted_layer(self.network).input
        )
        if len(tensor.shape) == 4:
            tensor = keras.ops.mean(tensor, axis=(1, 2))
        network = keras.Model(self.network.inputs, tensor)
        compiled = self._compile(lambda x: network(self.low + (self.high - self.low) * x, training=False))

        def activate(images: Images) -> NDArray[np.float32]:
            found: NDArray[np.float32] = compiled(images).numpy().astype(np.float32)
            return found.reshape(len(images), -1)

        return activate

    def head_weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weights of the last weighted layer, shape ``(d, m)``, and its biases, ``(m,)``; zeros without any.

        Raises:
            IncompleteError: The network has no weights.
        """
        kernel, *others = (
            np.asarray(each, np.float64) for each in _last_weighted_layer(self.network).weights
        )
        kernel = kernel.reshape(-1, kernel.shape[-1])
        biases = (each for each in others if each.shape == kernel.shape[1:])
        return kernel, next(biases, np.zeros(kernel.shape[1]))

    def architecture(self) -> str:
        """Return a digest, 16 hex digits, that networks of one architecture share, whatever their weights."""
        shapes = (self.input_shape, *(tuple(weight.shape) for weight in self.network.weights))
        return hashlib.sha256(repr(shapes).encode("ascii")).hexdigest()[:16]

    def _compile(self, function: Any) -> Any:
        import tensorflow as tf

        return tf.function(function, input_signature=[tf.TensorSpec((None, *self.input_shape), tf.float32)])


def _batched(compiled: Any, images: Images) -> NDArray[np.float32]:
    return finite(np.concatenate(side_by_side(lambda part: compiled(part).numpy(), _batches(images))))


def _batches(images: Images) -> list[Images]:
    size = min(_BATCH, max(_FEWEST, _PIXELS // (images.shape[1] * images.shape[2])))
    return [images[first : first + size] for first in range(0, len(images), size)]


def _unsupported(message: str, hint: str = _SAVE_AS_IMAGE_NET) -> IncompleteError:
    return IncompleteError(rules.UNSUPPORTED.id, message, hint=hint)


def _input_shape(model: Any) -> tuple[int, int, int]:
    shape = model.input_shape
    if isinstance(shape, (list, dict)):
        raise _unsupported(f"The model has {len(shape)} inputs; expected one image input.")
    if len(shape) != 4 or shape[-1] not in (1, 3):
        raise _unsupported(
            f"The input has the shape {_dimensions(shape[1:])}; expected an image, height x width x 1 or 3 channels."
        )
    if None in shape[1:]:
        raise _unsupported(
            f"The input has the open shape {_dimensions(shape[1:])}; expected a fixed height and width.",
            hint="Save the model with a fixed input size: keras.Input((height, width, channels)).",
        )
    if shape[1] * shape[2] < _FEWEST_PIXELS:
        raise _unsupported(
            f"The input is {_dimensions(shape[1:])}; expected at least {_FEWEST_PIXELS} pixels, "
            "for in fewer no trigger is small."
        )
    if not str(getattr(model.inputs[0], "dtype", "")).startswith(("float", "bfloat")):
        raise _unsupported(f"The input takes {model.inputs[0].dtype} values; expected floating point images.")
    return int(shape[1]), int(shape[2]), int(shape[3])


def _num_classes(model: Any) -> int:
    shape = model.output_shape
    if isinstance(shape, (list, dict)):
        raise _unsupported(f"The model has {len(shape)} outputs; expected one output of class scores.")
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise _unsupported(
            f"The output has the shape {_dimensions(shape[1:])}; expected one row of class scores per image."
        )
    if shape[1] == 1:
        raise _unsupported(
            "The model has one output unit (one sigmoid, or a regression); expected at least two class scores.",
            hint="Train two-class models with a two-unit softmax to have them scanned, "
            "or exclude this path in the policy (exclude:).",
        )
    return int(shape[1])


def _dimensions(shape: tuple[int | None, ...]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape) or "nothing"


def _cut_softmax(model: Any) -> Head:
    import keras

    last, before = _source(model.outputs[0])
    while isinstance(last, keras.layers.Activation) and last.activation is keras.activations.linear:
        last, before = _source(before)
    if isinstance(last, keras.Model):
        raise _unsupported(
            "The last layer is a model within the model; expected a Dense, Activation or Softmax layer."
        )
    if type(last).__name__ == "Softmax":  # the layer, or the operation keras.ops.softmax
        return _head(model, before, "softmax")
    if _activation(last) == "linear":
        return _head(model, model.outputs[0], "logits")
    if isinstance(last, keras.layers.Activation):
        return _head(model, before, "softmax")
    return _head(model, _linear_copy(last, before), "softmax")


def _head(model: Any, scores: Any, kind: str) -> Head:
    """Return the network up to its class scores, or further back: to where nothing but their scale is made of them."""
    logits = _before_monotone(scores)
    return Head(model if logits is model.outputs[0] else _network(model.inputs, logits), kind)


def _network(inputs: Any, outputs: Any) -> Any:
    import keras

    return keras.Model(inputs, outputs)


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
        raise _unsupported("The output is one sigmoid per label (multi-label); expected one class per image.")
    # Recurrent layers have an activation, too, but inside their loop.
    outermost = (keras.layers.Activation, keras.layers.Dense, keras.layers.EinsumDense)
    if activation not in ("softmax", "linear") or not isinstance(last, outermost):
        raise _unsupported(
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


def _refuse_regression(head: str, loss: str) -> None:
    if head == "logits" and loss.lower() in _REGRESSION_LOSSES:
        raise _unsupported(
            f"The output is linear and was trained with the loss {loss}: a regression; expected a classifier."
        )


def _named_layer(network: Any, name: str) -> Any:
    found = next((layer for layer in network.layers if layer.name == name), None)
    if found is None:
        names = printable(", ".join(layer.name for layer in network.layers), 300)
        raise IncompleteError(
            rules.SCAN_FAILED.id,
            f"The model has no layer {printable(name, 60)}; it has {names}.",
            hint="Name one of them as `layer` in the detector's parameters, or leave it out.",
        )
    return found


def _last_weighted_layer(network: Any) -> Any:
    weighted = [layer for layer in network.layers if layer.weights]
    if not weighted:
        raise _unsupported("The model has no weights; expected a trained network.")
    return weighted[-1]
