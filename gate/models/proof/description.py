"""Describe a built network as data: every layer with its options, precision, weights and calls, and its answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.keras_load import LoadedLayer, LoadedNetwork
from gate.models.rebuild.normalise import TRAINING_ENDINGS
from gate.models.rebuild.problems import attempt
from gate.models.surrogates.selection import probes

# What says nothing of what a finished layer computes: how it is called, how it began, what only training asks for.
_WITHOUT_EFFECT = frozenset(
    {"name", "trainable", "dtype", "seed", "build_config", "shared_object_id", "registered_name", "build_input_shape",
     "renorm_momentum", "synchronized"}
)  # fmt: skip
_FUNCTIONS = ("activation", "recurrent_activation")
# Made of weights when a layer is loaded, or not.
_DERIVED = ("mean", "variance")
_LONGEST_OPTIONS = 4_000
_FAMILIES = ("strokes", "signs", "leaves")
_OF_EACH, _FRAME = 2, 2
_SEED = 20
# Asked one by one: a drawn one, and framed noise of 0..255.
_ALONE = [0, 21]
# Of larger pictures a deep network takes a few a second. Four serve, black and white among them, and of these one alone.
_LARGE, _IF_LARGE = 96 * 96, [0, 10, 11, 21]


# Of a call of an operation, by its id: the number of the operation in its network, and which of its calls.
_Nodes = dict[int, tuple[int, int]]


def describe(network: Any) -> LoadedNetwork:
    """Return what a built Keras network is.

    Args:
        network: Functional or Sequential.

    Raises:
        IncompleteError: It can be built, and cannot be computed (BD003).
    """
    together, alone = _answers(network)
    return replace(structure(network), together=together, alone=alone)


def structure(network: Any) -> LoadedNetwork:
    """Return what a built Keras network is, without its answers.

    Args:
        network: Functional or Sequential.
    """
    describer = _Describer()
    outputs = describer.network(network, "")
    return LoadedNetwork(layers=tuple(describer.layers), outputs=outputs, together=b"", alone=b"")


@dataclass(slots=True)
class _Describer:
    """Numbers layers and variables in the order in which it meets them: names differ from loader to loader."""

    layers: list[LoadedLayer] = field(default_factory=list)
    _seen: dict[int, int] = field(default_factory=dict)
    # What is numbered stays alive, so that no other object gets its id.
    _kept: list[Any] = field(default_factory=list)

    def network(self, network: Any, path: str) -> str:
        """Describe all layers of a network; return its inputs and outputs."""
        graph = getattr(network, "_functional", None) or network
        nodes = _numbered_calls(graph)
        for operation in graph.operations:
            self._operation(operation, path, nodes)
        ends = (graph._inputs_struct, graph._outputs_struct)
        return _json([_tensors(_without_wrapping(end), nodes) for end in ends])

    def _operation(self, operation: Any, path: str, nodes: _Nodes) -> None:
        name = f"{path}{operation.name}"
        is_network = hasattr(operation, "operations") or hasattr(operation, "_functional")
        is_new = id(operation) not in self._seen
        number = self._number(operation)
        place = len(self.layers)
        self.layers.append(
            LoadedLayer(
                name=name,
                kind=_kind(operation),
                options="" if is_network else _options(operation),
                precision="" if is_network else _precision(operation),
                weights=() if is_network else tuple(map(self._weight, getattr(operation, "weights", ()))),
                calls=(f"object {number}", *_calls(operation, nodes)),
            )
        )
        if is_network and is_new:
            outputs = self.network(operation, f"{name}/")
            self.layers[place] = replace(self.layers[place], options=outputs)

    def _weight(self, weight: Any) -> str:
        array = np.ascontiguousarray(np.asarray(weight))
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return f"{list(array.shape)} {weight.dtype} {digest} {self._number(weight)}"

    def _number(self, thing: Any) -> int:
        self._kept.append(thing)
        return self._seen.setdefault(id(thing), len(self._seen))


def _kind(operation: Any) -> str:
    return f"{type(operation).__module__}.{type(operation).__qualname__}"


def _precision(operation: Any) -> str:
    return str(getattr(getattr(operation, "dtype_policy", None), "name", ""))


def _options(operation: Any) -> str:
    """Return what a layer or operation was built with, and which functions it really calls."""
    if type(operation).__name__ == "InputLayer":
        return _json([operation.batch_shape[1:], operation.dtype])
    text = _json([_effective(_config(operation)), *_called(operation), *_derived(operation)])
    if len(text) <= _LONGEST_OPTIONS:
        return text
    return f"{text[:_LONGEST_OPTIONS]}... {hashlib.sha256(text.encode()).hexdigest()}"


def _config(operation: Any) -> Any:
    import keras

    if isinstance(operation, keras.layers.Layer):
        return operation.get_config()
    # An operation without a layer keeps its options as plain attributes, and not all of them tell their config.
    return {key: value for key, value in sorted(vars(operation).items()) if not key.startswith("_")}


def _called(operation: Any) -> Iterator[str]:
    for attribute in _FUNCTIONS:
        function = getattr(operation, attribute, None)
        if callable(function):
            yield f"{attribute}={getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _derived(operation: Any) -> Iterator[list[Any]]:
    if hasattr(operation, "finalize_state"):
        for attribute in _DERIVED:
            yield [attribute, getattr(operation, attribute, None)]


def _effective(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return value["config"]["name"]
        inner_type = (
            {"dtype": _effective(value["dtype"])} if "class_name" not in value and "dtype" in value else {}
        )
        return inner_type | {
            str(key): _effective(item) for key, item in value.items() if not _is_idle(str(key))
        }
    if isinstance(value, (list, tuple)):
        return [_effective(item) for item in value]
    if hasattr(value, "get_config"):
        return [_kind(value), _effective(value.get_config())]
    return value


def _is_idle(key: str) -> bool:
    return key in _WITHOUT_EFFECT or key.endswith(TRAINING_ENDINGS)


def _numbered_calls(graph: Any) -> _Nodes:
    """Return each call within a network: which of its operations, and which call of that; calls elsewhere do not count."""
    own = {id(node) for nodes in graph._nodes_by_depth.values() for node in nodes}
    return {
        id(node): (number, place)
        for number, operation in enumerate(graph.operations)
        for place, node in enumerate(node for node in operation._inbound_nodes if id(node) in own)
    }


def _calls(operation: Any, nodes: _Nodes) -> Iterator[str]:
    for node in operation._inbound_nodes:
        if id(node) in nodes:
            given = {key: value for key, value in node.arguments.kwargs.items() if value is not None}
            # How many images a batch holds says nothing.
            outputs = [[tensor.shape[1:], str(tensor.dtype)] for tensor in node.output_tensors]
            yield _json([_tensors(node.arguments.args, nodes), _tensors(given, nodes), outputs])


def _tensors(value: Any, nodes: _Nodes) -> Any:
    """Return nested arguments with a reference for every tensor: operation, its call, which of its outputs."""
    if hasattr(value, "_keras_history"):
        history = value._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        return {"tensor": [*nodes.get(id(node), (-1, -1)), history.tensor_index]}
    if isinstance(value, dict):
        return {str(key): _tensors(item, nodes) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tensors(item, nodes) for item in value]
    return value


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, slice):
        return ["slice", value.start, value.stop, value.step]
    if value is Ellipsis:
        return "..."
    if hasattr(value, "numpy") or isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value).tolist()
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _answers(network: Any) -> tuple[bytes, bytes]:
    """Return the network's answers to fixed raw images, in one batch and one by one; none if it takes no images."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:] or shape[-1] not in (1, 3):
        return b"", b""
    images = raw_images((shape[1], shape[2], shape[3]))
    is_large = shape[1] * shape[2] > _LARGE
    together = _asked(network, images[_IF_LARGE] if is_large else images)
    alone = [_asked(network, images[[each]]) for each in (_ALONE[-1:] if is_large else _ALONE)]
    return together.tobytes(), np.concatenate(alone).tobytes()


def _asked(network: Any, images: NDArray[np.float32]) -> NDArray[np.float32]:
    answers: NDArray[np.float32] = attempt("The network", lambda: _floats(network(images, training=False)))
    return answers


def _without_wrapping(value: Any) -> Any:
    """Return what a list of one holds: earlier versions write one where later ones write none."""
    while isinstance(value, (list, tuple)) and len(value) == 1:
        (value,) = value
    return value


def _floats(answers: Any) -> NDArray[np.float32]:
    found = np.asarray(_without_wrapping(answers), "<f4")
    return np.ascontiguousarray(found.reshape(len(found), -1))


def raw_images(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return fixed images as a network may be fed them: drawn ones, black, white, framed in black, 8-bit noise; as 0..1 and as 0..255.

    Args:
        shape: Height, width, channels.
    """
    drawn = np.concatenate([probes(family, shape, _SEED, _OF_EACH) for family in _FAMILIES])
    noise = np.random.default_rng(_SEED).integers(0, 256, (_OF_EACH, *shape)) / 255.0
    framed = np.concatenate([drawn[:1], noise[:1]]).copy()
    framed[:, :_FRAME] = framed[:, -_FRAME:] = framed[:, :, :_FRAME] = framed[:, :, -_FRAME:] = 0.0
    images = np.concatenate([drawn, noise, framed, np.zeros((1, *shape)), np.ones((1, *shape))]).astype(
        np.float32
    )
    return np.concatenate([images, np.round(255 * images)])
