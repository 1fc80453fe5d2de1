"""Objects that several parts of a network share: Keras writes one number beside each description of the same object.

Whoever reads a second description of a number gets the first object, whatever the second says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gate.models.rebuild.problems import damaged, shown

_ID = "shared_object_id"


def check_sharing(config: Any) -> None:
    """Refuse an architecture in which one number stands beside different descriptions.

    Args:
        config: As the file has it, nested no deeper than triage allows.

    Raises:
        IncompleteError: One does (BD001), or it is no number.
    """
    first: dict[int, Any] = {}
    for node in _marked(config):
        number = node[_ID]
        if type(number) is not int:
            raise damaged(f"An object has the shared_object_id {shown(number)}; expected a number.")
        described = {key: node.get(key) for key in ("class_name", "config", "module")}
        if first.setdefault(number, described) != described:
            raise damaged(
                f"Two different objects have the shared_object_id {number}, {_named(first[number])} and {_named(node)}: Keras "
                "takes the first for both."
            )


def _marked(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get(_ID) is not None:
            yield value
        for item in value.values():
            yield from _marked(item)
    elif isinstance(value, list):
        for item in value:
            yield from _marked(item)


def _named(node: dict[str, Any]) -> str:
    config = node.get("config")
    name = config.get("name") if isinstance(config, dict) else config
    return shown(name or node.get("class_name"))
