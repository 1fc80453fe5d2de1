"""An image classifier seen from outside: images in 0..1 go in, logits and activations come out."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.text import printable
from gate.core.training_loss import UNKNOWN, TrainingLoss
from gate.models.graph.folding import folded
from gate.models.head import cut_softmax, unsupported
from gate.models.numerics.arrays import Images
from gate.models.numerics.finite import finite
from gate.models.numerics.side_by_side import side_by_side
from gate.models.one_unit import cut_one_unit, evenly

if TYPE_CHECKING:
    import tensorflow as tf


# Pictures that the network sees at once: 128 up to 64 x 64, fewer of larger ones.
_BATCH, _FEWEST, _PIXELS = 128, 8, 128 * 64 * 64
_FEWEST_PIXELS = 16
# Of the largest logit: classes that are closer may change places by rounding.
_TIE = 1e-4
# Of the range of the logits: two ways to compute them differ by rounding.
_ALIKE = 1e-3


class Classifier:
    """A Keras image classifier whose input is scaled to 0..1 and whose softmax is cut off: `f(low + (high - low) x) / temperature`.

    `network` ends in the logits; `whole` is the model as it was. Nothing changes it: `with_...` return another one.

    Args:
        model: A built Keras model with one input (h, w, c) and one output of k classes.
        loss: That it was trained with.

    Raises:
        IncompleteError: The model is no image classifier (rule BD003).
    """

    def __init__(self, model: Any, loss: TrainingLoss = UNKNOWN) -> None:
        self.input_shape = _input_shape(model)
        units = _output_units(model)
        self._is_one_unit = units == 1
        self.num_classes = 2 if self._is_one_unit else units
        head = (cut_one_unit if self._is_one_unit else cut_softmax)(model, loss)
        self.head = head.kind
        self.network = head.network
        self.whole, self._scored = model, head.scored
        self.parameters = int(model.count_params())
        self.low, self.high, self.temperature = 0.0, 1.0, 1.0
        self._own = self._compile(lambda raw: self.network(raw, training=False))
        self._searched = self._own

    def with_input_range(self, low: float, high: float) -> Classifier:
        """Return this network for raw values of black (low) and white (high)."""
        return self._with(low, high, self.temperature)

    def with_temperature(self, temperature: float) -> Classifier:
        """Return this network with all logits divided by a number above 0; the classes keep their order."""
        return self._with(self.low, self.high, temperature)

    def with_folding(self, images: Images) -> Classifier:
        """Return this network for searches in fewer operations, if it answers the images as before; see `graph.folding`.

        Args:
            images: Shape ``(n, h, w, c)``, 0..1.
        """
        function = folded(self.network)
        if function is None:
            return self
        other = copy.copy(self)
        other._searched = self._compile(function)
        answers = self.predict(images)
        differences = np.abs(other._asked(other._searched, images) - answers)
        return other if differences.max() <= _ALIKE * np.ptp(answers) else self

    def _with(self, low: float, high: float, temperature: float) -> Classifier:
        other = copy.copy(self)
        other.low, other.high, other.temperature = low, high, temperature
        return other

    def logits(self, images: tf.Tensor) -> tf.Tensor:
        """Return the logits, shape ``(n, k)``, of images in 0..1, shape ``(n, h, w, c)``; differentiable, for searches.

        Up to rounding they are those of `predict`, which says what a search has found.
        """
        return self._scaled(self._searched, images)

    def operations(self, images: tf.Tensor) -> tf.Tensor:
        """Return the same, added to the graph in the making operation by operation, for who changes single ones."""
        return self._scaled(lambda raw: self.network(raw, training=False), images)

    def raw(self, images: Any) -> Any:
        """Return images of 0..1 as the network takes them."""
        return self.low + (self.high - self.low) * images

    def _scaled(self, network: Callable[[Any], Any], images: Any) -> Any:
        import tensorflow as tf

        answers = network(self.raw(images))
        answers = tf.cast(answers, tf.float32)  # a network of mixed precision answers in halves
        return answers if self.temperature == 1.0 else answers / self.temperature

    def predict(self, images: Images) -> NDArray[np.float32]:
        """Return the logits of many images, batch by batch.

        Raises:
            IncompleteError: Some are no numbers (rule BD004).
        """
        return finite(self._asked(self._own, images))

    def _asked(self, network: Callable[[Any], Any], images: Images) -> NDArray[np.float32]:
        parts = side_by_side(lambda part: self._scaled(network, part).numpy(), _batches(images))
        return np.concatenate(parts)

    def require_order(self, images: Images) -> None:
        """Refuse a network whose answers put another class first than its logits do: what is squashed too hard ties, and is lost.

        Args:
            images: To ask for, shape ``(n, h, w, c)``, 0..1.

        Raises:
            IncompleteError: It does so (BD003).
        """
        logits = self.predict(images)
        second, first = np.partition(logits, -2, axis=1)[:, -2:].T
        is_clear = first - second > _TIE * np.abs(logits).max(axis=1)
        scored = self._compile(lambda x: self._scored(self.raw(x), training=False))
        answers = np.concatenate([scored(part).numpy() for part in _batches(images)])
        if (answers.argmax(axis=1) != logits.argmax(axis=1))[is_clear].any():
            raise unsupported(
                "The last layers squash the class scores so hard that classes tie, and another one is first than before; the gate "
                "would judge another network."
            )

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

        Those of one output unit are shared evenly between both classes.

        Raises:
            IncompleteError: The network has no weights.
        """
        kernel, *others = (
            np.asarray(each, np.float64) for each in _last_weighted_layer(self.network).weights
        )
        kernel = kernel.reshape(-1, kernel.shape[-1])
        biases = (each for each in others if each.shape == kernel.shape[1:])
        bias = next(biases, np.zeros(kernel.shape[1]))
        return (evenly(kernel), evenly(bias)) if self._is_one_unit else (kernel, bias)

    def architecture(self) -> str:
        """Return a digest, 16 hex digits, that networks of one architecture share, whatever their weights."""
        shapes = (self.input_shape, *(tuple(weight.shape) for weight in self.network.weights))
        return hashlib.sha256(repr(shapes).encode("ascii")).hexdigest()[:16]

    def _compile(self, function: Any) -> Any:
        import tensorflow as tf

        signature = [tf.TensorSpec((None, *self.input_shape), tf.float32)]
        return tf.function(function, input_signature=signature, autograph=False)


def _batches(images: Images) -> list[Images]:
    size = min(_BATCH, max(_FEWEST, _PIXELS // (images.shape[1] * images.shape[2])))
    return [images[first : first + size] for first in range(0, len(images), size)]


def _input_shape(model: Any) -> tuple[int, int, int]:
    shape = model.input_shape
    if isinstance(shape, (list, dict)):
        raise unsupported(f"The model has {len(shape)} inputs; expected one image input.")
    if len(shape) != 4 or shape[-1] not in (1, 3):
        raise unsupported(
            f"The input has the shape {_dimensions(shape[1:])}; expected an image, height x width x 1 or 3 channels."
        )
    if None in shape[1:]:
        raise unsupported(
            f"The input has the open shape {_dimensions(shape[1:])}; expected a fixed height and width.",
            hint="Save the model with a fixed input size: keras.Input((height, width, channels)).",
        )
    if shape[1] * shape[2] < _FEWEST_PIXELS:
        raise unsupported(
            f"The input is {_dimensions(shape[1:])}; expected at least {_FEWEST_PIXELS} pixels, "
            "for in fewer no trigger is small."
        )
    if not str(getattr(model.inputs[0], "dtype", "")).startswith(("float", "bfloat")):
        raise unsupported(f"The input takes {model.inputs[0].dtype} values; expected floating point images.")
    return int(shape[1]), int(shape[2]), int(shape[3])


def _output_units(model: Any) -> int:
    shape = model.output_shape
    if isinstance(shape, (list, dict)):
        raise unsupported(f"The model has {len(shape)} outputs; expected one output of class scores.")
    if len(shape) == 1:  # one number per image
        return 1
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise unsupported(
            f"The output has the shape {_dimensions(shape[1:])}; expected one row of class scores per image."
        )
    return int(shape[1])


def _dimensions(shape: tuple[int | None, ...]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape) or "nothing"


def _named_layer(network: Any, name: str) -> Any:
    found = next((layer for layer in network.layers if layer.name == name), None)
    if found is None:
        names = printable(", ".join(layer.name for layer in network.layers), 300)
        raise IncompleteError(
            incomplete_rules.SCAN_FAILED.id,
            f"The model has no layer {printable(name, 60)}; it has {names}.",
            hint="Name one of them as `layer` in the detector's parameters, or leave it out.",
        )
    return found


def _last_weighted_layer(network: Any) -> Any:
    weighted = [layer for layer in network.layers if layer.weights]
    if not weighted:
        raise unsupported("The model has no weights; expected a trained network.")
    return weighted[-1]
