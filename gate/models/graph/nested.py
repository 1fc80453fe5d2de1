"""The layers of a network and of the networks in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def inner_layers(layer: Any) -> Iterator[Any]:
    """Yield the layers of a network and of the networks in it, but for those that only stand for an input; of a layer, itself."""
    parts = getattr(layer, "layers", None)
    if parts is not None:
        for part in parts:
            yield from inner_layers(part)
    elif type(layer).__name__ != "InputLayer":
        yield layer
