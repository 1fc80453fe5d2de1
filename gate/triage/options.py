"""Options that reach outside the file, or ask for more than any network has."""

from __future__ import annotations

import math
import re
from typing import Any

from gate.core.finding import Finding
from gate.core.text import printable
from gate.triage.configuration import Spot
from gate.triage.findings import finding
from gate.triage.static_rules import OUTSIDE_REFERENCE, RESOURCE_BOMB

# A vocabulary may be a list, or the path of a file that Keras would read.
_PATHS = frozenset(
    {"cache_dir", "cache_subdir", "file_path", "filename", "filepath", "idf_weights", "log_dir", "origin", "path", "url",
     "vocabulary", "vocabulary_file"}
)  # fmt: skip
# Names of layers, and references to them, may hold slashes.
_NAMES = frozenset({"inbound_nodes", "input_layers", "keras_history", "name", "output_layers"})
_ELSEWHERE = re.compile(
    r"[a-z][a-z0-9+.\-]{1,20}://|/[\w.~\-]+/|\.\.?[/\\]|~/|[A-Za-z]:\\|\\\\\w", re.IGNORECASE
)
_SIZES = frozenset(
    {"cropping", "factor", "filters", "height", "input_dim", "input_length", "kernel_size", "key_dim", "max_tokens", "n",
     "num_bins", "num_heads", "num_tokens", "output_dim", "output_size", "output_sequence_length", "padding", "pool_size",
     "size", "strides", "units", "value_dim", "width"}
)  # fmt: skip
_SHAPES = frozenset({"batch_input_shape", "batch_shape", "input_shape", "shape", "target_shape"})
_LARGEST_SIZE = 2**24
_LARGEST_SHAPE = 2**31
_LARGEST_INTEGER = 2**63
_PLAIN_TYPE = re.compile(r"[<>=|]?[bfiu][1248]|bool|bfloat16|(?:float|int|uint)\d{1,2}")


def check(spot: Spot) -> Finding | None:
    """Return what is wrong with an option's value; None if nothing is."""
    if isinstance(spot.value, str):
        return _elsewhere(spot.key, spot.value)
    if isinstance(spot.value, dict) and spot.value.get("class_name") in ("__numpy__", "__tensor__"):
        return _inline_array(spot.value)
    if isinstance(spot.value, list) and spot.key in _SHAPES:
        return _shape(spot.key, spot.value)
    if isinstance(spot.value, int) and not isinstance(spot.value, bool):
        return _number(spot.key, spot.value)
    return None


def _elsewhere(key: str, text: str) -> Finding | None:
    if not text or (key not in _PATHS and (key in _NAMES or _ELSEWHERE.match(text) is None)):
        return None
    return finding(
        OUTSIDE_REFERENCE,
        f"option:{key}",
        f"The option {printable(repr(key), 80)} leads to {printable(repr(text), 120)}, outside the file. "
        "It was not followed.",
        "Put the content itself into the model (a vocabulary as a list) and save it again.",
    )


def _number(key: str, value: int) -> Finding | None:
    limit = _LARGEST_SIZE if key in _SIZES else _LARGEST_INTEGER
    return _too_large(key, _shown(value), limit) if abs(value) > limit else None


def _shape(key: str, sizes: list[Any]) -> Finding | None:
    product = math.prod(size for size in sizes if isinstance(size, int) and size > 0)
    return _too_large(key, f"{_shown(product)} values", _LARGEST_SHAPE) if product > _LARGEST_SHAPE else None


def _inline_array(node: dict[str, Any]) -> Finding | None:
    config = node.get("config")
    kind = config.get("dtype") if isinstance(config, dict) else None
    if kind is None or _PLAIN_TYPE.fullmatch(str(kind)):
        return None
    return _too_large("dtype", printable(repr(kind), 60), "a number type of at most 8 bytes")


def _shown(number: int) -> str:
    """Return a number in few characters; a stranger's may be too long for a float, and for `str`."""
    return f"{number:.6g}" if number.bit_length() < 1000 else f"a number of {number.bit_length()} bits"


def _too_large(key: str, received: str, limit: int | str) -> Finding:
    return finding(
        RESOURCE_BOMB,
        f"option:{key}",
        f"The option {printable(repr(key), 80)} asks for {received}; expected at most {limit}. It was not loaded.",
    )
