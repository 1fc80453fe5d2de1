"""The numbers that detectors are tuned with; one table says what each means and where it comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

TABLE = Path(__file__).parents[1] / "scoring" / "calibration.toml"
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number, or several that belong together; the head of the table says what each field is."""

    name: str
    value: float | int | tuple[Any, ...]
    unit: str
    means: str
    basis: str
    adr: int | None = None


@cache
def constants() -> Mapping[str, Constant]:
    """Return the whole table by name, in its order."""
    return {each.name: each for each in _entries("", tomllib.loads(TABLE.read_text(encoding="utf-8")))}


def _entries(section: str, table: Mapping[str, Any]) -> Iterator[Constant]:
    for key, inner in table.items():
        if "value" in inner:
            yield Constant(name=section + key, **{**inner, "value": _frozen(inner["value"])})
        else:
            yield from _entries(f"{section}{key}.", inner)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def real(name: str) -> float:
    """Return a number that may have a fraction.

    Raises:
        KeyError: The table has no such entry.
        TypeError: It holds something else.
    """
    return _read(name, float)


def integer(name: str) -> int:
    """Return a whole number; errors as those of `real`."""
    return _read(name, int)


def reals(section: str, *names: str) -> tuple[float, ...]:
    """Return some numbers of a section that may have fractions; errors as those of `real`."""
    return tuple(real(f"{section}.{name}") for name in names)


def integers(section: str, *names: str) -> tuple[int, ...]:
    """Return some whole numbers of a section; errors as those of `real`."""
    return tuple(integer(f"{section}.{name}") for name in names)


def several(name: str) -> tuple[Any, ...]:
    """Return the numbers of one entry; errors as those of `real`."""
    return _read(name, tuple)


def record(section: str) -> dict[str, Any]:
    """Return all numbers of a section that may have fractions, as keywords of a record; errors as those of `real`."""
    keys = [name.rpartition(".")[2] for name in constants() if name.startswith(f"{section}.")]
    return {key.replace("-", "_"): real(f"{section}.{key}") for key in keys or [""]}


def _read(name: str, kind: type[_Kind]) -> _Kind:
    if name not in constants():
        raise KeyError(f"{TABLE.name}: no entry {name!r}")
    value = constants()[name].value
    if type(value) is not kind:
        raise TypeError(f"{TABLE.name}: {name}: expected {kind.__name__}, received {value!r}")
    return value
