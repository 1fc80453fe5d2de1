"""What the gate and a child process of its own say to each other: one JSON object a line, each a frozen record."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gate.core.codec import from_plain, to_plain
from gate.core.meta_training import Shadow
from gate.core.scan import Scan

# Called with the stage, how much of it is done, how much there is, and a detail.
Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True, slots=True)
class ProgressTold:
    """How far a child is: the stage, how much of it is done, how much there is, and a detail."""

    progress: tuple[str, int, int, str]


@dataclass(frozen=True, slots=True)
class ScanDone:
    """The one record of a scan; it repeats the nonce of its job."""

    nonce: str
    scan: Scan


@dataclass(frozen=True, slots=True)
class ShadowDone:
    """One shadow network of a training."""

    shadow: Shadow


@dataclass(frozen=True, slots=True)
class TrainingFailed:
    """Why a training ended without a meta-model: what is wrong, and how to mend it."""

    nonce: str
    error: tuple[str, str]


def encode(message: object) -> str:
    """Return a record as one line of JSON, without the line break."""
    return json.dumps(to_plain(message), allow_nan=False)


def decode(line: bytes | str, *kinds: type[Any]) -> Any:
    """Return the record of a line, of the kind whose fields it has.

    Raises:
        ValueError: It is of no such kind, a value has another type than its field, or a number is not finite.
    """
    found = json.loads(line, parse_float=_finite, parse_constant=_finite)
    if not isinstance(found, dict):
        raise ValueError(f"expected an object, received {type(found).__name__}")  # noqa: TRY004 - of a text
    for kind in kinds:
        if set(found) == {field.name for field in dataclasses.fields(kind)}:
            return from_plain(kind, found)
    raise ValueError(
        f"expected {' or '.join(kind.__name__ for kind in kinds)}, received keys {sorted(found)}"
    )


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, received {number}")
    return value
