"""Static checks of a stored architecture: does it bring code or foreign classes along?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gate.core.finding import Finding
from gate.core.rule import Confidence, Rule
from gate.core.text import printable
from gate.triage.layers import BUILT_IN_LAYERS, CODE_LAYERS
from gate.triage.rules import CUSTOM_OBJECT, EXECUTABLE_LAYER
from gate.triage.stored import StoredModel, unreadable

_DEEPEST = 64
_TRUSTED_ROOTS = ("keras", "builtins")
# Keras records the operations of a functional model, and a few layers of its own networks, by their internal module.
_SHIPPED_MODULES = ("keras.src.ops.", "keras.src.applications.")
# What Keras never deserialises under compile=False; it does deserialise the compile_config of an inner model.
_IGNORED_AT_TOP = frozenset({"compile_config"})
# Where a layer's configuration stands inside another one's.
_LAYER_KEYS = frozenset({"layers", "layer", "cell", "forward_layer", "backward_layer", "cells"})


def check(stored: StoredModel) -> tuple[Finding, ...]:
    """Return one finding per kind of code or foreign class, in the order of their appearance.

    Raises:
        IncompleteError: The configuration is nested too deeply to be walked.
    """
    findings: dict[tuple[str, str], Finding] = {}
    for node, is_layer in _objects(stored.config, True, 0):
        finding = _judge(node, is_layer)
        if finding is not None:
            findings.setdefault((finding.rule, finding.subject), finding)
    return tuple(findings.values())


def _objects(value: Any, is_layer: bool, depth: int) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield every dict with a class name, and whether it stands where a layer stands."""
    if depth > _DEEPEST:
        raise unreadable(f"The architecture is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, is_layer, depth + 1)
    elif isinstance(value, dict):
        if "class_name" in value:
            yield value, is_layer
        for key, item in value.items():
            if depth or key not in _IGNORED_AT_TOP:
                yield from _objects(item, _holds_layers(key, item), depth + 1)


def _holds_layers(key: str, item: Any) -> bool:
    # Keras 1 and 2 wrote the layers of a Sequential model straight into its config.
    return key in _LAYER_KEYS or (key == "config" and isinstance(item, list))


def _judge(node: dict[str, Any], is_layer: bool) -> Finding | None:
    class_name, module = str(node["class_name"]), node.get("module")
    if class_name in CODE_LAYERS:
        return _finding(
            EXECUTABLE_LAYER,
            class_name,
            f"The model holds a {class_name} layer{_named(node)}, which carries code. It was not loaded.",
            "Replace the layer by built-in ones and save the model again.",
        )
    if isinstance(module, str) and module.partition(".")[0] not in _TRUSTED_ROOTS:
        where = f"{module}.{class_name}"
    elif ">" in str(node.get("registered_name") or "") or ">" in class_name:
        where = str(node.get("registered_name") or class_name)
    elif is_layer and class_name not in BUILT_IN_LAYERS and not str(module).startswith(_SHIPPED_MODULES):
        where = class_name
    else:
        return None
    return _finding(
        CUSTOM_OBJECT,
        where,
        f"The model names {printable(where, 120)}{_named(node)}, which is no part of Keras. It was not loaded.",
        "Save the model with built-in layers only.",
    )


def _named(node: dict[str, Any]) -> str:
    config = node.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f" named {printable(str(name), 80)!r}" if isinstance(name, str) else ""


def _finding(rule: Rule, subject: str, message: str, remedy: str) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        confidence=Confidence.HIGH,
        message=message,
        subject=f"class:{printable(subject, 120)}",
        remedy=remedy,
    )
