"""The records of a report as its JSON writes them, and back again once the schema has accepted what is written.

The key of a field is its name, without `is_`.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import typing
from enum import Enum
from typing import Any

from gate.core.report import Gap, ScanReport

# Any: the schema has checked every type; naming them here again would say the same twice.
Node = dict[str, Any]

# What is told only where there is something to tell.
OPTIONAL = (
    *("content_sha256", "cached", "difference", "waived_by"),  # of a model
    *("suspects", "remark", "examples_png", "base_evidence", "clean_images"),
)
_KEYS = {"exemptions": "waived_by", "base_indices": "base_evidence"}


def to_node(record: Any) -> Node:
    """Return a record by key, in the order of its fields."""
    told = {_key(field.name): _plain(getattr(record, field.name)) for field in dataclasses.fields(record)}
    return {key: value for key, value in told.items() if value or key not in OPTIONAL}


def scan_report(node: Node) -> ScanReport:
    """Return the report that a document holds.

    Raises:
        ValueError: A record refuses a value.
        OverflowError: A number is too large for a float.
    """
    # The facts of a file stand beside its verdict.
    entries = [entry | {"artifact": entry} for entry in node["artifacts"]]
    report: ScanReport = _record(ScanReport, node | {"artifacts": entries})
    return report


def _key(field: str) -> str:
    return _KEYS.get(field, field.removeprefix("is_"))


def _plain(value: Any) -> Any:
    match value:
        case Gap():
            return str(value)
        case tuple():
            return [_plain(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case Enum():
            return value.value
        case _:
            return to_node(value) if dataclasses.is_dataclass(value) else value


def _record(kind: Any, node: Node) -> Any:
    """Return the record that is written in a node; reports of earlier versions lack some keys."""
    hints = _hints(kind)
    return kind(
        **{name: _value(hint, node[_key(name)]) for name, hint in hints.items() if _key(name) in node}
    )


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, plain: Any) -> Any:
    if hint is Gap:
        rule, _, message = plain.partition(": ")
        return Gap(rule=rule, message=message)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record(hint, plain)
    if hint is bytes:
        return base64.b64decode(plain, validate=True)
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        kinds = [inner[0]] * len(plain) if inner[-1] is Ellipsis else inner
        return tuple(_value(kind, item) for kind, item in zip(kinds, plain, strict=True))
    if inner:  # something, or None
        return None if plain is None else _value(inner[0], plain)
    # An enum, a text, or a number: JSON Schema counts 1.0 as an integer; Python does not.
    return hint(plain)
