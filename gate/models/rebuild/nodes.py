"""Read how a functional network calls its layers, in the notations of Keras 1 to 3."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gate.models.rebuild.problems import attempt, damaged, shown, unsupported
from gate.models.rebuild.values import is_scalar, literal

_KEYWORDS = frozenset(
    {"training", "mask", "initial_state", "query", "value", "key", "query_mask", "value_mask", "key_mask",
     "attention_mask", "use_causal_mask", "return_attention_scores"}
)  # fmt: skip
_CONSTANT = "_CONSTANT_VALUE"
_ARRAYS = ("__numpy__", "__tensor__")
_ARRAY_TYPES = ("float16", "float32", "float64", "int32", "int64", "bool")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Reference:
    """An output of an earlier call: of which layer, of which of its calls, which output."""

    layer: str
    call: int
    output: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer; arguments hold references where tensors go."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def references(self) -> Iterator[Reference]:
        """Yield what has to exist before the call."""
        yield from references([*self.arguments, *self.keywords.values()])


def references(value: Any) -> Iterator[Reference]:
    """Yield every reference in nested lists, tuples and dicts."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        yield from references(list(value.values()))


def read_calls(nodes: Any, where: str, *, any_keyword: bool = False) -> tuple[Call, ...]:
    """Return the calls of one layer, in their order.

    Args:
        nodes: The layer's `inbound_nodes`.
        where: The layer, for messages.
        any_keyword: Keep keywords that no layer takes; operations have their own list.

    Raises:
        IncompleteError: They are written in no known notation, or pass what the gate does not know (BD001, BD003).
    """
    if not isinstance(nodes, list):
        raise damaged(f"{where} has the calls {shown(nodes)}; expected a list.")
    calls = tuple(
        _of_keras_3(node, where) if isinstance(node, dict) else _of_keras_2(node, where) for node in nodes
    )
    if not any_keyword:
        for call in calls:
            _check_keywords(call, where)
    return calls


def check_training(layer: Any, calls: tuple[Call, ...], where: str) -> None:
    """Refuse a layer that is always called as in training.

    `model(images)` then answers by the other images, or by chance; `predict` does not. A layer for augmentation is called so by
    default, and Keras writes it down.

    Raises:
        IncompleteError: It is (BD003).
    """
    default = inspect.signature(layer.call).parameters.get("training")
    is_asked = any(call.keywords.get("training") not in (None, False) for call in calls)
    if is_asked and (default is None or default.default is not True):
        raise unsupported(
            f"{where} is always called as in training, so that its answers depend on the other images, or on chance.",
            hint="Leave `training=True` out of the call, and save the model again.",
        )


def read_references(value: Any, where: str) -> Any:
    """Return a network's inputs or outputs with a reference for every ``[layer, call, output]``."""
    if _is_reference(value):
        return Reference(*value[:3])
    if isinstance(value, list):
        return [read_references(item, where) for item in value]
    if isinstance(value, dict):
        return {str(key): read_references(item, where) for key, item in value.items()}
    raise damaged(f"{where} names {shown(value)} as an input or output; expected [layer, call, output].")


def _check_keywords(call: Call, where: str) -> None:
    unknown = sorted(set(call.keywords) - _KEYWORDS)
    if unknown:
        raise unsupported(f"{where} is called with {shown(unknown[0])}, which the gate does not know.")


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(index) is int and 0 <= index <= 10_000 for index in value[1:3])
    )


def _of_keras_3(node: dict[str, Any], where: str) -> Call:
    arguments, keywords = node.get("args"), node.get("kwargs")
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        raise damaged(f"{where} has the call {shown(node)}; expected args and kwargs.")
    given = {key: _value(item, where) for key, item in keywords.items() if item is not None}
    return Call(tuple(_value(item, where) for item in arguments), given)


def _of_keras_2(node: Any, where: str) -> Call:
    entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    if not isinstance(entries, list) or not entries:
        raise damaged(f"{where} has the call {shown(node)}; expected a list of [layer, call, output].")
    tensors = [_input_of_keras_2(entry, where) for entry in entries]
    last = entries[-1]
    keywords = last[3] if len(last) == 4 else {}
    if not isinstance(keywords, dict):
        raise damaged(f"{where} is called with {shown(keywords)}; expected keywords.")
    given = {key: _value(item, where) for key, item in keywords.items() if item is not None and key != "name"}
    return Call((tensors[0] if len(tensors) == 1 else tensors,), given)


def _input_of_keras_2(entry: Any, where: str) -> Any:
    if isinstance(entry, list) and len(entry) == 4 and entry[0] == _CONSTANT:
        return literal(entry[2], where)
    if not _is_reference(entry):
        raise damaged(f"{where} takes {shown(entry)}; expected [layer, call, output].")
    return Reference(*entry[:3])


def _value(value: Any, where: str, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise unsupported(f"{where} is called with a list that is nested more than {_DEEPEST} levels deep.")
    if _is_reference(value):
        return Reference(*value[:3])
    if isinstance(value, list):
        return [_value(item, where, depth + 1) for item in value]
    if is_scalar(value):
        return value
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return _object(str(value.get("class_name")), value["config"], where)
    raise unsupported(f"{where} is called with {shown(value)}; expected tensors, numbers or short texts.")


def _object(kind: str, config: dict[str, Any], where: str) -> Any:
    history = config.get("keras_history")
    if kind == "__keras_tensor__" and isinstance(history, list) and _is_reference(history):
        return Reference(*history[:3])
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__slice__":
        return slice(*(literal(config.get(end), where) for end in ("start", "stop", "step")))
    if kind in _ARRAYS and config.get("dtype") in _ARRAY_TYPES:
        return attempt(where, np.asarray, literal(config.get("value"), where), config["dtype"])
    raise unsupported(
        f"{where} is called with an object of the kind {shown(kind)}; expected a tensor or a number."
    )
