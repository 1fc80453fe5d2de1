"""Why a stored network is not rebuilt, in words that lead to the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gate.core import incomplete_rules
from gate.core.errors import GateError, IncompleteError
from gate.core.text import printable

_SAVE_AGAIN = "Save the whole model again: model.save('model.keras')."
_USE_BUILT_IN = "Replace it by plain built-in layers and save the model again, or exclude this path in the policy (exclude:)."
_SHOWN = 120


def unsupported(message: str, hint: str = _USE_BUILT_IN) -> IncompleteError:
    """Return the error for a network that the gate does not know how to rebuild (BD003)."""
    return IncompleteError(incomplete_rules.UNSUPPORTED.id, message, hint=hint)


def damaged(message: str, hint: str = _SAVE_AGAIN) -> IncompleteError:
    """Return the error for a file whose parts do not fit together (BD001)."""
    return IncompleteError(incomplete_rules.UNREADABLE.id, message, hint=hint)


def shown(value: object) -> str:
    """Return a value from the file as one short printable text."""
    return printable(repr(value), _SHOWN)


def cause(error: Exception) -> str:
    """Return what an exception of Keras or h5py says, as one short printable sentence."""
    text = printable(" ".join(str(error).split()), 200).rstrip(".")
    return f"{type(error).__name__}: {text}"


def attempt(where: str, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function of Keras; what it does not like about the file's arguments is the file's fault (BD003)."""
    try:
        return function(*arguments, **keywords)
    except GateError:
        raise
    except Exception as error:
        raise unsupported(f"{where} cannot be built: {cause(error)}.") from error
