"""Read a JSON document of a stranger, and notice what two readers would take for different things."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gate.core.text import printable
from gate.triage.findings import BeyondLimitsError
from gate.triage.problems import unreadable


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object and the keys that stand in it twice.

    Attributes:
        value: As Python reads it: of two equal keys, the last one counts.
        doubled: Keys that stand twice in one object, each once.
    """

    value: dict[str, Any]
    doubled: tuple[str, ...] = ()


def parse(text: str, name: str) -> Document:
    """Read a JSON object; `name` is what a message calls it.

    Raises:
        IncompleteError: It is no JSON, or no object (BD001).
        BeyondLimitsError: It is nested so deeply that it cannot be read.
    """
    doubled: dict[str, None] = {}

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        collected = dict(pairs)
        if len(collected) < len(pairs):
            keys = [key for key, _ in pairs]
            doubled.update((key, None) for key in collected if keys.count(key) > 1)
        return collected

    try:
        value = json.loads(text, object_pairs_hook=collect)
    except RecursionError as error:
        raise BeyondLimitsError(
            f"depth:{name}", f"{name} is nested too deeply to be read. It was not loaded."
        ) from error
    except ValueError as error:
        raise unreadable(f"{name} is no valid JSON ({printable(str(error), 120)}).") from error
    if not isinstance(value, dict):
        raise unreadable(f"{name} holds {type(value).__name__}; expected an object.")
    return Document(value, tuple(doubled))
