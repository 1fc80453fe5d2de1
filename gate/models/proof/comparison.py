"""Hold two loadings of one model file against each other."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

import numpy as np

from gate.core.keras_load import LoadedLayer, LoadedNetwork
from gate.core.text import printable

# Of the largest answer: the same sums in another order differ by less.
_ROUNDING = 1e-4
_SHOWN = 60


def difference(ours: LoadedNetwork, theirs: LoadedNetwork) -> str:
    """Return what makes them two networks, as the end of a sentence; "" if they are one.

    Args:
        ours: As the gate rebuilds it.
        theirs: As Keras loads it.
    """
    for our_layer, their_layer in zip_longest(ours.layers, theirs.layers):
        told = _of_layers(our_layer, their_layer)
        if told:
            return told
    if ours.outputs != theirs.outputs:
        return f"Keras takes other inputs or outputs ({_unequal(ours.outputs, theirs.outputs)})"
    return _of_answers(ours, theirs)


def _of_layers(ours: LoadedLayer | None, theirs: LoadedLayer | None) -> str:
    if ours is None or theirs is None:
        only = ours or theirs
        assert only is not None  # zip_longest pads one of the two
        return f"only {'Keras' if ours is None else 'the gate'} builds the layer {_quoted(only.name)}"
    for what, mine, other in (
        ("is of the class", ours.kind, theirs.kind),
        ("has the options", ours.options, theirs.options),
        ("computes in", ours.precision, theirs.precision),
        ("is called as", ours.calls, theirs.calls),
        ("has the weights", ours.weights, theirs.weights),
    ):
        if mine != other:
            return f"the layer {_quoted(theirs.name)} {what} {_unequal(mine, other)}"
    return ""


def _unequal(ours: str | tuple[str, ...], theirs: str | tuple[str, ...]) -> str:
    mine, other = _narrowed(_opened(ours), _opened(theirs))
    return f"{_short(other)} in Keras, {_short(mine)} by the file's text"


def _opened(value: str | tuple[str, ...]) -> Any:
    if isinstance(value, tuple):
        return [_opened(item) for item in value]
    try:
        return json.loads(value)
    except ValueError:
        return value


def _narrowed(ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return the first place where two nested values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(set(ours) | set(theirs), key=str)
        key = next((each for each in keys if ours.get(each) != theirs.get(each)), None)
        if key is not None:
            return {key: ours.get(key)}, {key: theirs.get(key)}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return next(
            (_narrowed(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other),
            (ours, theirs),
        )
    return ours, theirs


def _short(value: Any) -> str:
    return printable(json.dumps(value), _SHOWN)


def _quoted(name: str) -> str:
    return printable(repr(name), _SHOWN)


def _of_answers(ours: LoadedNetwork, theirs: LoadedNetwork) -> str:
    for mine, other, how in (
        (ours.together, theirs.together, "in one batch"),
        (ours.alone, theirs.alone, "one by one"),
    ):
        if len(mine) != len(other):
            return "Keras gives another number of answers"
        ours_, theirs_ = np.frombuffer(mine, "<f4"), np.frombuffer(other, "<f4")
        if not _is_close(ours_, theirs_):
            return (
                f"Keras answers fixed images differently {how}, by up to {_largest_gap(ours_, theirs_):.3g}"
            )
    return ""


def _is_close(ours: Any, theirs: Any) -> bool:
    finite = np.isfinite(ours)
    if (
        not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
        or not np.isfinite(theirs[finite]).all()
    ):
        return False
    scale = max(1.0, float(np.abs(ours[finite]).max(initial=0.0)))
    return bool((np.abs(ours[finite] - theirs[finite]) <= _ROUNDING * scale).all())


def _largest_gap(ours: Any, theirs: Any) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.abs(ours - theirs), initial=0.0))
