"""A stored architecture without what only training or the saving program knows, and the layers in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gate.models.rebuild.layers import INNER_LAYERS
from gate.models.rebuild.normalise import TRAINING_ENDINGS

# How it was built in the saving program.
_OF_THE_PROGRAM = frozenset({"build_config"})
# Which weights training changed, and how: a finished network does not show it.
_OF_TRAINING = frozenset({"trainable", "compile_config"})
_OPERATIONS = "keras.src.ops."
# Where classes lie, and functions, that mean what their name alone means.
_USUAL_PLACES = frozenset({None, "keras", "keras.layers", "keras.models", "keras.src.models.functional"})
_USUAL_FUNCTIONS = frozenset({None, "builtins", "keras.activations"})
_SHARED = "shared_object_id"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A layer that holds no other network.

    Attributes:
        name: After the names of the networks around it, with slashes.
        own: Its name alone.
        top: Of the layer of the outermost network that it is, or is in.
        path: Where a .keras archive keeps its weights.
        is_frozen: Whether training leaves it alone, or a network around it.
    """

    name: str
    own: str
    top: str
    path: str
    is_frozen: bool


def canonical(value: Any) -> Any:
    """Return a configuration with only what says what the network computes, and its layers' names.

    Args:
        value: As the file has it, nested no deeper than triage allows.
    """
    return _with_counted_shares(_canonical(value))


def _canonical(value: Any) -> Any:
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" in value:
        return _object(value)
    # Around a layer that a layer holds: what is frozen in it changes the order in which HDF5 lists the weights of both.
    holds_layers = not INNER_LAYERS.isdisjoint(value)
    kept = {key: _canonical(item) for key, item in value.items() if not _is_dropped(key)}
    return kept | {key: _frozen(value[key]) for key in INNER_LAYERS & value.keys()} if holds_layers else kept


def _object(value: dict[str, Any]) -> Any:
    """Return a class with its configuration, or a function; by the name alone where nothing else can be meant."""
    config = value.get("config")
    # Keras 3 writes the precision as an object or as its name, depending on the format.
    if value["class_name"] == "DTypePolicy" and isinstance(config, dict):
        return config.get("name")
    is_function = value["class_name"] == "function"
    usual = _USUAL_FUNCTIONS if is_function else _USUAL_PLACES
    names = (None, config, "function") if is_function else (None, value["class_name"])
    dropped = {"module"} if value.get("module") in usual else set()
    dropped |= {"registered_name"} if value.get("registered_name") in names else set()
    if is_function and dropped == {"module", "registered_name"}:
        return config
    return {
        key: _canonical(item) for key, item in value.items() if key not in dropped and not _is_dropped(key)
    }


def _frozen(entry: Any) -> Any:
    """Return a layer, or several, within a layer, with whether each is frozen."""
    if isinstance(entry, list):
        return [_frozen(item) for item in entry]
    return [_canonical(entry), _is_frozen(entry)] if isinstance(entry, dict) else entry


def _with_counted_shares(value: Any) -> Any:
    """Return a configuration whose shared objects bear numbers in the order of their appearance; an unshared one bears none."""
    seen = Counter(_shares(value))
    numbers = {share: number for number, share in enumerate(share for share in seen if seen[share] > 1)}
    return _renumbered(value, numbers)


def _shares(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get(_SHARED) is not None:
            yield repr(value[_SHARED])
        for item in value.values():
            yield from _shares(item)
    elif isinstance(value, list):
        for item in value:
            yield from _shares(item)


def _renumbered(value: Any, numbers: dict[str, int]) -> Any:
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _renumbered(item, numbers) for key, item in value.items() if key != _SHARED}
    number = numbers.get(repr(value[_SHARED])) if value.get(_SHARED) is not None else None
    return kept if number is None else kept | {_SHARED: number}


def unnamed(config: dict[str, Any]) -> dict[str, Any]:
    """Return a canonical configuration without the name of the whole network, which Keras counts up."""
    inner = config.get("config")
    if not isinstance(inner, dict):
        return config
    return {**config, "config": {key: item for key, item in inner.items() if key != "name"}}


def leaves(config: dict[str, Any]) -> Iterator[Leaf]:
    """Yield the layers of a stored network and of the networks in it, in their order, but for those that only stand for an input."""
    yield from _leaves(config, name="", top="", path="", is_frozen=False)


def _leaves(node: dict[str, Any], *, name: str, top: str, path: str, is_frozen: bool) -> Iterator[Leaf]:
    counts: dict[str, int] = {}
    for entry in _entries(node):
        own = _name(entry)
        folder = _snake_case(str(entry.get("class_name")))
        # Keras numbers the folders of layers of one class.
        number = counts[folder] = counts.get(folder, -1) + 1
        place = f"{path}layers/{folder}" + (f"_{number}" if number else "")
        below, outermost = f"{name}/{own}" if name else own, top or own
        frozen = is_frozen or _is_frozen(entry)
        if _entries(entry):
            yield from _leaves(entry, name=below, top=outermost, path=f"{place}/", is_frozen=frozen)
        elif entry.get("class_name") != "InputLayer":
            yield Leaf(below, own, outermost, place, frozen)


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    config = node.get("config")
    listed = config.get("layers") if isinstance(config, dict) else config  # Keras 1 and 2: the list itself
    entries = listed if isinstance(listed, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and not _is_operation(entry)]


def _is_operation(entry: dict[str, Any]) -> bool:
    return str(entry.get("module")).startswith(_OPERATIONS)


def _name(entry: dict[str, Any]) -> str:
    config = entry.get("config")
    return str((config.get("name") if isinstance(config, dict) else None) or entry.get("name") or "")


def _is_dropped(key: str) -> bool:
    return key in _OF_THE_PROGRAM or key in _OF_TRAINING or key.endswith(TRAINING_ENDINGS)


def _is_frozen(entry: dict[str, Any]) -> bool:
    config = entry.get("config")
    return isinstance(config, dict) and config.get("trainable") is False


def _snake_case(name: str) -> str:
    """Return the name as Keras' saving library spells it (keras.src.utils.naming, without its imports)."""
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
