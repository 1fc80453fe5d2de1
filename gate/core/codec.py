"""Turn records into plain JSON values and back, checking every type on the way in."""

from __future__ import annotations

import base64
import dataclasses
import math
import types
import typing
from enum import Enum
from typing import Any, TypeVar

Record = TypeVar("Record")


def to_plain(value: Any) -> Any:
    """Return the record as dicts, lists and scalars; bytes as base64, enums by value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.value if isinstance(value, Enum) else value


def from_plain(record: type[Record], plain: object) -> Record:
    """Return the record that `to_plain` was given.

    Raises:
        ValueError: A key is missing or unknown, or a value has another type than its field.
    """
    result: Record = _decode(record, plain, record.__name__)
    return result


def _decode(hint: Any, plain: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _decode_record(hint, plain, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return (
            None
            if plain is None
            else _decode(next(a for a in arguments if a is not type(None)), plain, where)
        )
    if origin is tuple:
        return _decode_tuple(arguments, plain, where)
    return _decode_scalar(hint, plain, where)


def _decode_record(hint: type, plain: Any, where: str) -> Any:
    hints = typing.get_type_hints(hint)
    if not isinstance(plain, dict) or set(plain) != set(hints):
        raise ValueError(f"{where}: expected the keys {sorted(hints)}, received {_describe(plain)}")
    return hint(**{name: _decode(hints[name], plain[name], f"{where}.{name}") for name in hints})


def _decode_tuple(arguments: tuple[Any, ...], plain: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise ValueError(f"{where}: expected a list, received {_describe(plain)}")  # noqa: TRY004 - bad input, not a bug
    if arguments[-1] is Ellipsis:
        return tuple(_decode(arguments[0], item, f"{where}[]") for item in plain)
    if len(plain) != len(arguments):
        raise ValueError(f"{where}: expected {len(arguments)} items, received {len(plain)}")
    return tuple(_decode(hint, item, f"{where}[]") for hint, item in zip(arguments, plain, strict=True))


def _decode_scalar(hint: Any, plain: Any, where: str) -> Any:
    if hint is float and type(plain) in (int, float):
        return _decode_number(plain, where)
    if hint is bytes and isinstance(plain, str):
        return _decode_bytes(plain, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(plain)
    if type(plain) is not hint:
        raise ValueError(f"{where}: expected {getattr(hint, '__name__', hint)}, received {_describe(plain)}")
    return plain


def _decode_number(plain: float, where: str) -> float:
    try:
        number = float(plain)
    except OverflowError:  # JSON knows integers of any length
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{where}: expected a finite number")
    return number


def _decode_bytes(plain: str, where: str) -> bytes:
    try:
        return base64.b64decode(plain, validate=True)
    except ValueError as error:
        raise ValueError(
            f"{where}: expected base64, received {len(plain)} characters that are not"
        ) from error


def _describe(plain: object) -> str:
    return f"keys {sorted(map(str, plain))}" if isinstance(plain, dict) else f"{type(plain).__name__}"
