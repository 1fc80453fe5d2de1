"""Operations that stand in a network without a layer around them: `x / 255`, `keras.ops.mean(x)`, TensorFlow's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gate.core.errors import IncompleteError
from gate.models.rebuild.problems import shown, unsupported
from gate.models.rebuild.values import literal, own_name, precision

# As Keras 3 writes them: class -> function in keras.ops, and the options that it takes.
_KERAS_3 = {
    "Absolute": ("absolute", ""),
    "Add": ("add", ""),
    "Cast": ("cast", "dtype"),
    "Clip": ("clip", "x_min x_max"),
    "Concatenate": ("concatenate", "axis"),
    "Divide": ("divide", ""),
    "Elu": ("elu", "alpha"),
    "Exp": ("exp", ""),
    "ExpandDims": ("expand_dims", "axis"),
    "Flip": ("flip", "axis"),
    "Gelu": ("gelu", "approximate"),
    "GetItem": ("get_item", ""),
    "LeakyRelu": ("leaky_relu", "negative_slope"),
    "Log": ("log", ""),
    "LogSoftmax": ("log_softmax", "axis"),
    "Matmul": ("matmul", ""),
    "Max": ("max", "axis keepdims initial"),
    "Maximum": ("maximum", ""),
    "Mean": ("mean", "axis keepdims"),
    "Minimum": ("minimum", ""),
    "Multiply": ("multiply", ""),
    "Negative": ("negative", ""),
    "Power": ("power", ""),
    "Relu": ("relu", ""),
    "Relu6": ("relu6", ""),
    "Reshape": ("reshape", "newshape"),
    "Sigmoid": ("sigmoid", ""),
    "Silu": ("silu", ""),
    "Softmax": ("softmax", "axis"),
    "Sqrt": ("sqrt", ""),
    "Square": ("square", ""),
    "Squeeze": ("squeeze", "axis"),
    "Subtract": ("subtract", ""),
    "Sum": ("sum", "axis keepdims"),
    "Tanh": ("tanh", ""),
    "Transpose": ("transpose", "axes"),
    "TrueDivide": ("true_divide", ""),
}
# As Keras 2 writes them: TensorFlow's function -> function in keras.ops, and what its keywords are called there.
_TENSORFLOW: dict[str, tuple[str, dict[str, str]]] = {
    "__operators__.add": ("add", {"y": "x2"}),
    "cast": ("cast", {"dtype": "dtype"}),
    "concat": ("concatenate", {"axis": "axis"}),
    "math.add": ("add", {"y": "x2"}),
    "math.divide": ("divide", {"y": "x2"}),
    "math.maximum": ("maximum", {"y": "x2"}),
    "math.minimum": ("minimum", {"y": "x2"}),
    "math.multiply": ("multiply", {"y": "x2"}),
    "math.reduce_mean": ("mean", {"axis": "axis", "keepdims": "keepdims"}),
    "math.sigmoid": ("sigmoid", {}),
    "math.subtract": ("subtract", {"y": "x2"}),
    "math.tanh": ("tanh", {}),
    "math.truediv": ("true_divide", {"y": "x2"}),
    "nn.relu": ("relu", {}),
    "nn.relu6": ("relu6", {}),
    "nn.sigmoid": ("sigmoid", {}),
    "nn.silu": ("silu", {}),
    "nn.softmax": ("softmax", {"axis": "axis"}),
    "nn.tanh": ("tanh", {}),
    "reshape": ("reshape", {"shape": "newshape"}),
}
_OF_KERAS_2 = "TFOpLambda"
_MODULE = "keras.src.ops."


def is_operation(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of a functional network is an operation without a layer."""
    return entry.get("class_name") == _OF_KERAS_2 or str(entry.get("module")).startswith(_MODULE)


def operation(entry: dict[str, Any], where: str) -> Callable[..., Any]:
    """Return a function that does the same with tensors.

    Args:
        entry: The operation as the file has it.
        where: Its name, for messages.

    Raises:
        IncompleteError: The gate does not know the operation or one of its options (BD003).
    """
    read = _of_keras_2 if entry["class_name"] == _OF_KERAS_2 else _of_keras_3
    name, keywords, given = read(entry, where)
    own = own_name(entry["config"].get("name"), where)

    def run(*tensors: Any, **more: Any) -> Any:
        import keras

        unknown = sorted(set(more) - set(keywords))
        if unknown:
            raise unsupported(f"{where} is called with {shown(unknown[0])}, which the gate does not know.")
        options = given | {keywords[key]: value for key, value in more.items()}
        if isinstance(options.get("x2"), list):
            options["x2"] = np.asarray(options["x2"], np.float32)
        if name == "cast":
            if options.get("dtype") is None:
                raise unsupported(f"{where} does not say into which type it casts.")
            options["dtype"] = precision(options["dtype"], f"{where}, option dtype,")
        output = getattr(keras.ops, name)(*tensors, **options)
        # Else Keras invents a name, which a layer of the file may already have.
        output._keras_history.operation.name = own
        return output

    return run


def _of_keras_3(entry: dict[str, Any], where: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    name, options = _KERAS_3.get(str(entry["class_name"]), ("", ""))
    if not name:
        raise _unknown(where, entry["class_name"])
    known = options.split()
    stored = {key: value for key, value in entry["config"].items() if key != "name"}
    unknown = sorted(key for key in stored.keys() - set(known) if stored[key] is not None)
    if unknown:
        raise unsupported(f"{where} has the option {shown(unknown[0])}, which the gate does not know.")
    # Null may mean something else than the default does.
    given = {key: literal(stored[key], f"{where}, option {key},") for key in known if key in stored}
    return name, {key: key for key in ("x2", *known)}, given


def _of_keras_2(entry: dict[str, Any], where: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    function = str(entry["config"].get("function"))
    if function not in _TENSORFLOW:
        raise _unknown(where, f"tf.{function}")
    return *_TENSORFLOW[function], {}


def _unknown(where: str, name: object) -> IncompleteError:
    return unsupported(f"{where} is the operation {shown(name)}, which the gate does not rebuild.")
