"""JSON with the same bytes on every machine."""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def dump(document: Json) -> str:
    """Return a document as ASCII text that ends with a line break; floats keep 6 significant digits.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps(_rounded(document), indent=2, allow_nan=False, ensure_ascii=True)
    # GitHub's runner obeys `##[` anywhere in a log line. Within JSON it can only stand inside a string.
    return text.replace("##[", "##\\u005b") + "\n"


def _rounded(value: Json) -> Json:
    match value:
        case float():
            # The last bits differ between processors. Adding zero makes a negative zero positive.
            return float(f"{value:.6g}") + 0.0
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list():
            return [_rounded(item) for item in value]
        case _:
            return value
