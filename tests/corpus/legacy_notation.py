"""Write an architecture of Keras 3 as Keras 2 wrote it: calls in lists, plain types, no modules."""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]
_KERAS_3_ONLY = frozenset(
    {
        "module",
        "registered_name",
        "build_config",
        "compile_config",
        "shared_object_id",
        "quantization_config",
        "optional",
    }
)
_NETWORKS = ("Functional", "Model")


def in_keras_2(entry: Config, *, first: int, with_module: bool = False) -> Config:
    """Return the description of a layer or network in the notation of Keras 2.

    Args:
        entry: As Keras 3 writes it.
        first: Number of the first call of an inner network: versions differ.
        with_module: Whether each layer of a network says its module, as Keras 2.13 and later do in an archive; what is in
            no list of layers always does, for Keras 3 refuses it otherwise.
    """
    config = entry.get("config")
    if not isinstance(config, dict) or "class_name" not in entry:
        return entry
    written = _options(entry["class_name"], config, first=first, with_module=with_module)
    new = {key: value for key, value in entry.items() if key not in _KERAS_3_ONLY} | {"config": written}
    if "module" in entry:
        new |= {"module": entry["module"], "registered_name": None}
    return new


def _options(kind: str, config: Config, **notation: Any) -> Config:
    written = {
        key: _value(key, value, **notation) for key, value in config.items() if key not in _KERAS_3_ONLY
    }
    if kind == "InputLayer" and "batch_shape" in written:
        written["batch_input_shape"] = written.pop("batch_shape")
    if kind == "LeakyReLU":
        written["alpha"] = written.pop("negative_slope")
    if "layers" in config and isinstance(config["layers"], list):
        inner = {
            layer["config"]["name"]
            for layer in config["layers"]
            if layer["class_name"] in (*_NETWORKS, "Sequential")
        }
        for layer in written["layers"]:
            if not notation["with_module"]:
                layer.pop("module", None)
                layer.pop("registered_name", None)
            if "inbound_nodes" in layer:
                layer["inbound_nodes"] = [
                    _node(node, inner, notation["first"]) for node in layer["inbound_nodes"]
                ]
    for key in ("input_layers", "output_layers"):
        if isinstance(written.get(key), list) and isinstance(written[key][0], str):
            written[key] = [written[key]]
    return written


def _value(key: str, value: Any, **notation: Any) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "DTypePolicy":
        return (
            value["config"]["name"]
            if not value["config"]["name"].startswith("mixed")
            else {"module": "keras", "class_name": "DTypePolicy", "config": {"name": value["config"]["name"]}}
        )
    if isinstance(value, dict) and "class_name" in value:
        return in_keras_2(value, **notation)
    if isinstance(value, list):
        return [_value(key, item, **notation) for item in value]
    return value


def _node(node: Any, inner: set[str], first: int) -> Any:
    """Return a call in lists; one that says more than that stays as it is."""
    if not isinstance(node, dict):
        return node
    tensors = [_reference(tensor, inner, first) for tensor in _flat(node["args"])]
    if not tensors or None in tensors:
        return node
    keywords = {
        key: _keyword(value, inner, first) for key, value in node["kwargs"].items() if value is not None
    }
    for tensor in tensors:
        tensor.append({})
    tensors[-1][3] = keywords
    return tensors


def _keyword(value: Any, inner: set[str], first: int) -> Any:
    return _reference(value, inner, first) or value


def _flat(value: Any) -> list[Any]:
    return [item for each in value for item in _flat(each)] if isinstance(value, list) else [value]


def _reference(tensor: Any, inner: set[str], first: int) -> list[Any] | None:
    if not isinstance(tensor, dict) or tensor.get("class_name") != "__keras_tensor__":
        return None
    name, call, output = tensor["config"]["keras_history"]
    return [name, call + (first if name in inner else 0), output]
