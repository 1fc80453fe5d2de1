"""What a stored option may hold: short literals, names from lists, nothing that could run."""

from __future__ import annotations

import math
import re
from typing import Any

from gate.models.rebuild.problems import damaged, shown, unsupported

LARGEST_NUMBER = 2**24
_LONGEST_TEXT = 100
_LONGEST_LIST = 4096
_DEEPEST_LIST = 3

ACTIVATIONS = frozenset(
    {"celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
     "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
     "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "squareplus", "swish", "tanh", "tanh_shrink",
     "threshold"}
)  # fmt: skip
# Functions of keras.ops that stand where an activation does: by another name, or with other defaults, than keras.activations has.
_OPERATIONS = frozenset(
    {"celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
     "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus",
     "softsign", "sparse_plus", "squareplus", "swish", "tanh", "tanh_shrink", "threshold"}
)  # fmt: skip
_OF_ACTIVATIONS = ("builtins", "keras.activations", None)
_OF_OPERATIONS = ("keras.ops", "keras.ops.nn")
_SYNONYMS = {"softmax_v2": "softmax", "leakyrelu": "leaky_relu"}
_FLOATS = frozenset({"float16", "float32", "float64", "bfloat16", "mixed_float16", "mixed_bfloat16"})
_INTEGERS = frozenset({"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"})
_ROOM = re.compile(r"[^A-Za-z0-9_.-]")


def literal(value: Any, where: str) -> Any:
    """Return a checked copy of None, a truth value, a number, a short text, or a list of them.

    Args:
        value: What the file holds.
        where: Layer and option, for the message.

    Raises:
        IncompleteError: It is something else, too large, or nested too deeply (BD003).
    """
    return _literal(value, where, 0)


def _literal(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, list) and depth < _DEEPEST_LIST and len(value) <= _LONGEST_LIST:
        return [_literal(item, where, depth + 1) for item in value]
    if not is_scalar(value):
        raise unsupported(
            f"{where} holds {shown(value)}; expected a number up to {LARGEST_NUMBER}, a short text, or a list of them."
        )
    return value


def is_scalar(value: Any) -> bool:
    """Tell whether the value is None, a truth value, a finite and moderate number or a short text."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if isinstance(value, int):
        return abs(value) <= LARGEST_NUMBER
    return isinstance(value, float) and math.isfinite(value)


def activation(value: Any, where: str, *, is_keras_3: bool) -> Any:
    """Return a built-in activation by its name, or a function of keras.ops, from any of the forms in which Keras writes it.

    Raises:
        IncompleteError: It is none of Keras' own, or meant something else when the file was written (BD003).
    """
    name, module = value, None
    if isinstance(value, dict) and value.get("class_name") == "function":
        name, module = value.get("config"), value.get("module")
    if name is None:
        return None
    if module in _OF_OPERATIONS and isinstance(name, str) and name in _OPERATIONS:
        import keras

        return getattr(keras.ops, name)
    if not isinstance(name, str) or _SYNONYMS.get(name, name) not in ACTIVATIONS:
        raise unsupported(f"{where} holds {shown(name)}; expected the name of one of Keras' own activations.")
    if module not in _OF_ACTIVATIONS:
        raise unsupported(
            f"{where} holds {shown(name)} of {shown(module)}; expected one of keras.activations."
        )
    if name == "hard_sigmoid" and not is_keras_3:
        raise unsupported(
            f"{where} holds 'hard_sigmoid', which has another slope since Keras 3; the gate would judge another network.",
            hint="Save the model again with Keras 3, which gives the activation its new meaning, and check its accuracy.",
        )
    return _SYNONYMS.get(name, name)


def precision(value: Any, where: str) -> str:
    """Return in which floating point type, or mixture of two, a layer computes; "float32" where the file does not say.

    Raises:
        IncompleteError: The layer computes in whole numbers, or is quantised (BD003).
    """
    name = value
    if isinstance(value, dict) and value.get("class_name") in ("DTypePolicy", "Policy", "PolicyV1"):
        options = value.get("config")
        name = options.get("name") if isinstance(options, dict) else None
    if name is not None and (not isinstance(name, str) or name not in _FLOATS):
        raise unsupported(f"{where} holds {shown(name)}; expected a floating point type such as 'float32'.")
    return name or "float32"


def input_type(value: Any, where: str) -> str:
    """Return the type of a network's input."""
    if value is None:
        return "float32"
    if value not in (*_FLOATS, *_INTEGERS) or str(value).startswith("mixed"):
        raise unsupported(f"{where} holds {shown(value)}; expected the name of a number type.")
    return str(value)


def shape(value: Any, where: str) -> tuple[int | None, ...]:
    """Return a shape: sizes of at least one, None where open.

    Raises:
        IncompleteError: It is no shape (BD003).
    """
    if not isinstance(value, list) or not all(_is_size(size) for size in value) or len(value) > 8:
        raise unsupported(f"{where} holds {shown(value)}; expected a list of sizes.")
    return tuple(value)


def _is_size(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_NUMBER


def own_name(name: Any, where: str) -> str:
    """Return the name that our layer bears; slashes, spaces and what else TensorFlow dislikes become underscores."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_TEXT:
        raise damaged(f"{where} has the name {shown(name)}; expected 1 to {_LONGEST_TEXT} characters.")
    return _ROOM.sub("_", name)
