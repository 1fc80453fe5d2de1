"""Walk a stored configuration: every value once, within bounds, with what is known of its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gate.triage.findings import BeyondLimitsError

_DEEPEST = 64
_MOST_VALUES = 500_000
# Where a layer's configuration stands inside another one's.
_LAYER_KEYS = frozenset({"layers", "layer", "cell", "forward_layer", "backward_layer", "cells"})
# What Keras never deserialises under compile=False; it does deserialise the compile_config of an inner model.
_TRAINING_KEYS = frozenset({"compile_config"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A value and where it stands.

    Attributes:
        key: Key of the nearest object around it; "" at the top.
        value: JSON.
        is_layer: Whether a layer belongs there.
        is_training: Whether only training needs it.
    """

    key: str
    value: Any
    is_layer: bool = False
    is_training: bool = False


def spots(config: dict[str, Any], *, is_training: bool = False) -> Iterator[Spot]:
    """Yield every value of a configuration, objects before what is in them.

    Args:
        config: JSON as a stranger wrote it.
        is_training: Whether all of it is for training only.

    Raises:
        BeyondLimitsError: It is nested too deeply, or is too large.
    """
    for count, spot in enumerate(_below(Spot("", config, not is_training, is_training), 0)):
        if count >= _MOST_VALUES:
            raise BeyondLimitsError(
                "values:architecture",
                f"The architecture holds more than {_MOST_VALUES} values. It was not loaded.",
            )
        yield spot


def _below(spot: Spot, depth: int) -> Iterator[Spot]:
    if depth > _DEEPEST:
        raise BeyondLimitsError(
            "depth:architecture",
            f"The architecture is nested more than {_DEEPEST} levels deep. It was not loaded.",
        )
    yield spot
    if isinstance(spot.value, list):
        for item in spot.value:
            yield from _below(Spot(spot.key, item, spot.is_layer, spot.is_training), depth + 1)
    elif isinstance(spot.value, dict):
        for key, item in spot.value.items():
            is_training = spot.is_training or (depth == 0 and key in _TRAINING_KEYS)
            yield from _below(Spot(key, item, _holds_layers(key, item), is_training), depth + 1)


def _holds_layers(key: str, item: Any) -> bool:
    # Keras 1 and 2 wrote the layers of a Sequential model straight into its config.
    return key in _LAYER_KEYS or (key == "config" and isinstance(item, list))
