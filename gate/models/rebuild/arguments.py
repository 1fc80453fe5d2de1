"""Turn a stored layer's options into arguments for Keras' own layer of that name."""

from __future__ import annotations

from typing import Any

from gate.models.rebuild import normalise, values
from gate.models.rebuild.layers import COMMON, INNER_LAYERS, OPTIONS, SIZES
from gate.models.rebuild.problems import shown, unsupported

_ROOM_TO_GROW = 16
_ACTIVATIONS = frozenset({"activation", "recurrent_activation"})


def arguments(
    written: str, config: dict[str, Any], where: str, *, largest: int, is_keras_3: bool
) -> dict[str, Any]:
    """Return checked arguments of the layer's constructor; inner layers stay as the file has them.

    Args:
        written: Class as the file calls it.
        config: Options as the file has them.
        where: The layer, for messages.
        largest: Largest dimension of a stored weight.
        is_keras_3: Whether Keras 3 wrote the file; earlier, a few names meant something else.

    Raises:
        IncompleteError: The layer or an option is none that the gate rebuilds (BD003).
    """
    known = OPTIONS.get(normalise.class_name(written))
    if known is None:
        raise unsupported(f"{where} is of a kind that the gate does not rebuild.")
    own = {key: value for key, value in config.items() if key not in COMMON}
    given = normalise.options(written, own, known, where, of_keras_3=is_keras_3)
    return {key: _argument(key, value, where, largest, is_keras_3) for key, value in given.items()}


def _argument(key: str, value: Any, where: str, largest: int, is_keras_3: bool) -> Any:
    option = f"{where}, option {key},"
    if key in INNER_LAYERS:
        return value
    if key.endswith("_initializer"):
        return "zeros"  # every weight comes from the file
    if key in _ACTIVATIONS:
        return values.activation(value, option, is_keras_3=is_keras_3)
    checked = values.literal(value, option)
    if key in SIZES:
        _check_size(checked, option, _ROOM_TO_GROW * largest)
    return checked


def _check_size(value: Any, option: str, limit: int) -> None:
    sizes = value if isinstance(value, list) else [value]
    if any(isinstance(size, int) and size > limit for size in sizes):
        raise unsupported(
            f"{option} holds {shown(value)}; the weights in the file allow for {limit} at most.",
            hint="Find out who changed the file: its architecture and its weights do not belong together.",
        )
