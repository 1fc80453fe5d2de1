"""Which classes, functions and modules a stored object may name."""

from __future__ import annotations

from typing import Any

from gate.core.finding import Finding
from gate.core.text import printable
from gate.triage.configuration import Spot
from gate.triage.findings import finding
from gate.triage.layers import BUILT_IN_LAYERS, CODE_LAYERS
from gate.triage.static_rules import CUSTOM_OBJECT, EXECUTABLE_LAYER

# Keras records the operations of a functional model, and a few layers of its own networks, by their internal module.
_SHIPPED_MODULES = ("keras.src.ops.", "keras.src.applications.")
# The parts of Keras whose objects describe a network. The others are tools: they fetch files, change settings, plot.
_MODELLING = frozenset(
    {"activations", "applications", "backend", "constraints", "dtype_policies", "engine", "initializers", "layers",
     "legacy", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers", "random",
     "regularizers", "trainers"}
)  # fmt: skip
# A function is named where an activation, a loss or a metric is; nothing else of a network is a function.
_OF_FUNCTIONS = frozenset(
    {"activations", "constraints", "initializers", "legacy", "losses", "metrics", "ops", "regularizers"}
)
# Whoever names these in a loss or a metric does not train: they reach the machine.
_REACHING = frozenset(
    {"asyncio", "base64", "builtins", "code", "codecs", "commands", "ctypes", "dill", "importlib", "joblib",
     "marshal", "multiprocessing", "nt", "os", "pickle", "pip", "pkgutil", "posix", "pty", "requests", "runpy", "shutil",
     "socket", "subprocess", "sys", "torch", "urllib", "webbrowser"}
)  # fmt: skip

_DANGEROUS_BUILT_INS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "getattr", "open"})


def check(spot: Spot) -> Finding | None:
    """Return what is wrong with the class that an object names; None if nothing is, or it names none."""
    node = spot.value
    if not isinstance(node, dict) or "class_name" not in node:
        return None
    class_name = str(node["class_name"])
    if class_name in CODE_LAYERS:
        return _carries_code(class_name, node)
    foreign = _reaching(node) if spot.is_training else _foreign(node, class_name, spot.is_layer)
    if not foreign:
        return None
    return finding(
        CUSTOM_OBJECT,
        f"class:{printable(foreign, 120)}",
        f"The model names {printable(foreign, 120)}{_named(node)}, which is no part of a Keras network. "
        "It was not loaded.",
        "Save the model with built-in layers only.",
    )


def _carries_code(class_name: str, node: dict[str, Any]) -> Finding:
    what = "a function" if class_name == "__lambda__" else f"a {class_name} layer"
    return finding(
        EXECUTABLE_LAYER,
        f"class:{class_name}",
        f"The model holds {what}{_named(node)}, which carries code. It was not loaded.",
        "Replace the layer by built-in ones and save the model again.",
    )


def _foreign(node: dict[str, Any], class_name: str, is_layer: bool) -> str:
    """Return the name that does not belong into a network; "" if all do."""
    module = node.get("module")
    if module is not None and not _is_trusted(str(module), is_function=class_name == "function"):
        return f"{module}.{_function(node) or class_name}"
    registered = str(node.get("registered_name") or "")
    if ">" in registered or ">" in class_name:
        return registered or class_name
    if is_layer and class_name not in BUILT_IN_LAYERS and not str(module).startswith(_SHIPPED_MODULES):
        return class_name
    return ""


def _is_trusted(module: str, *, is_function: bool) -> bool:
    root, *parts = module.split(".")
    if root == "builtins":
        return not parts
    if root != "keras":
        return False
    area = parts[parts[0] == "src" :][:1] if parts else []
    return not area or area[0] in (_OF_FUNCTIONS if is_function else _MODELLING)


def _reaching(node: dict[str, Any]) -> str:
    module = str(node.get("module") or "")
    function = _function(node)
    if module == "builtins":
        # Keras writes a user's own loss function like this, by its bare name.
        return f"builtins.{function}" if function in _DANGEROUS_BUILT_INS else ""
    return f"{module}.{function or node['class_name']}" if module.partition(".")[0] in _REACHING else ""


def _function(node: dict[str, Any]) -> str:
    config = node.get("config")
    return config if node["class_name"] == "function" and isinstance(config, str) else ""


def _named(node: dict[str, Any]) -> str:
    config = node.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f" named {printable(str(name), 80)!r}" if isinstance(name, str) else ""
