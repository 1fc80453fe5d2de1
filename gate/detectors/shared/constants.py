"""The numbers that detectors are tuned with; one table says what each means and where it comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

_Kind = TypeVar("_Kind")

TABLE = Path(__file__).parents[1] / "scoring" / "calibration.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number, or several that belong together.

    Attributes:
        name: Module, then what it is: "inversion.search.patience".
        value: The number, or numbers.
        unit: Of the number; "" for a plain one.
        means: What it is for.
        basis: Where it comes from: "by hand", "fitted", "paper" or "mathematics", then on what and when.
        adr: Number of the decision that speaks of it; None if none does.
    """

    name: str
    value: float | int | tuple[Any, ...]
    unit: str
    means: str
    basis: str
    adr: int | None = None


@cache
def constants() -> Mapping[str, Constant]:
    """Return the whole table by name, in its order."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {each.name: each for each in _entries("", table)}


def _entries(name: str, table: Mapping[str, Any]) -> Iterator[Constant]:
    if "value" in table:
        value = table["value"]
        yield Constant(name=name, **{**table, "value": _frozen(value)})
        return
    for key, inner in table.items():
        yield from _entries(f"{name}.{key}" if name else key, inner)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def real(name: str) -> float:
    """Return a number that may have a fraction.

    Raises:
        KeyError: The table has no such entry.
        TypeError: It holds something else.
    """
    return _checked(name, value_of(name), float)


def integer(name: str) -> int:
    """Return a whole number; errors as those of `real`."""
    return _checked(name, value_of(name), int)


def reals(name: str) -> tuple[float, ...]:
    """Return several numbers that may have fractions; errors as those of `real`."""
    return tuple(_checked(name, each, float) for each in _checked(name, value_of(name), tuple))


def integers(name: str) -> tuple[int, ...]:
    """Return several whole numbers; errors as those of `real`."""
    return tuple(_checked(name, each, int) for each in _checked(name, value_of(name), tuple))


def pair(name: str) -> tuple[float, float]:
    """Return two numbers; errors as those of `real`."""
    low, high = reals(name)
    return low, high


def rows(name: str) -> tuple[tuple[int, ...], ...]:
    """Return rows of whole numbers; errors as those of `real`."""
    found = _checked(name, value_of(name), tuple)
    return tuple(tuple(_checked(name, each, int) for each in row) for row in found)


def section(name: str) -> dict[str, Any]:
    """Return all numbers below a name, as keywords of a record; errors as those of `real`."""
    names = [each for each in constants() if each.startswith(f"{name}.")]
    return {each.rpartition(".")[2].replace("-", "_"): real(each) for each in names or [name]}


def value_of(name: str) -> object:
    """Return what the table holds, whatever it is.

    Raises:
        KeyError: The table has no such entry.
    """
    if name not in constants():
        raise KeyError(f"{TABLE.name}: no entry {name!r}")
    return constants()[name].value


def _checked(name: str, value: object, kind: type[_Kind]) -> _Kind:
    if type(value) is not kind:
        raise TypeError(f"{TABLE.name}: {name}: expected {kind.__name__}, received {value!r}")
    return value
