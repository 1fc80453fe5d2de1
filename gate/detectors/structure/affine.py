"""Steps that multiply by numbers and add numbers that no training chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.detectors.shared.constants import reals, several
from gate.models.graph.flow import Step
from gate.models.numerics.arrays import Floats

_USUAL_SCALES = several("structure.affine.usual-scales")
_USUAL_OFFSETS = several("structure.affine.usual-offsets")
_ALIKE, _LEFTOVER = reals("structure.affine", "alike", "leftover")


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """`scale * x + offset`, each a number or one for each feature."""

    scale: Floats
    offset: Floats

    @property
    def largest(self) -> float:
        """The largest number in it, whatever its sign."""
        return float(max(np.abs(self.scale).max(), np.abs(self.offset).max()))

    @property
    def lowest(self) -> float:
        """The lowest shift, in units of what is scaled."""
        return float(np.min(self.offset / np.maximum(np.abs(self.scale), 1e-9)))

    @property
    def is_shift(self) -> bool:
        """Whether it scales nothing."""
        return bool(np.allclose(self.scale, 1.0, atol=_ALIKE))

    @property
    def is_shrinking(self) -> bool:
        """Whether it makes numbers smaller."""
        return bool(np.all(np.abs(self.scale) <= 1.0))

    @property
    def is_usual(self) -> bool:
        """Whether honest code brings pictures to a range with these numbers."""
        scale = np.abs(self.scale)
        is_scale = _among(scale, _USUAL_SCALES) | _among(1.0 / np.maximum(scale, 1e-30), _USUAL_SCALES)
        return bool(is_scale.all() and _among(np.abs(self.offset), _USUAL_OFFSETS).all())

    def takes_back(self, earlier: Affine, *, is_next: bool) -> bool:
        """Tell whether it undoes the scale or the shift of an earlier one.

        Args:
            earlier: What stands before it.
            is_next: Whether no other stands between: there even usual numbers (`x + 1`, then `x - 1`) are odd as mere shifts.
        """
        is_mere = is_next and self.is_shift and earlier.is_shift
        if not is_mere and (self.is_usual or earlier.is_usual):
            return False
        scale, offset = (float(np.mean(each)) for each in (self.scale, self.offset))
        before, shift = (float(np.mean(each)) for each in (earlier.scale, earlier.offset))
        is_scale = abs(scale * before - 1.0) < _ALIKE and abs(before - 1.0) > _ALIKE
        left = abs(scale * shift + offset)
        is_shift = scale * shift * offset < 0 and left < _LEFTOVER * min(abs(scale * shift), abs(offset))
        return is_scale or is_shift


def _among(values: Floats, usual: tuple[float, ...]) -> NDArray[np.bool_]:
    return np.asarray(np.any(np.isclose(values[..., None], usual, rtol=_ALIKE, atol=1e-9), axis=-1))


def affine(step: Step) -> Affine | None:
    """Return what a step multiplies by and adds, if that is all it does."""
    if step.kind == "Rescaling":
        return _of(step.operation.scale, step.operation.offset)
    if step.kind == "Normalization":
        return _normalisation(step.operation)
    if step.kind == "Negative":
        return _of(-1.0, 0.0)
    given = numbers(step)
    return None if given is None else _arithmetic(step, given)


def _of(scale: Any, offset: Any) -> Affine:
    return Affine(np.asarray(scale, np.float64), np.asarray(offset, np.float64))


def _normalisation(layer: Any) -> Affine:
    mean, variance = (np.asarray(each, np.float64) for each in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return _of(deviation, mean) if layer.invert else _of(1.0 / deviation, -mean / deviation)


def _arithmetic(step: Step, given: Floats) -> Affine | None:
    if step.kind == "Add":
        return _of(1.0, given)
    if step.kind == "Subtract":
        return _of(-1.0, given) if step.is_constant_first else _of(1.0, -given)
    if step.kind == "Multiply":
        return _of(given, 0.0)
    if step.kind in ("Divide", "TrueDivide") and not step.is_constant_first and np.all(given):
        return _of(1.0 / given, 0.0)
    return None


def numbers(step: Step) -> Floats | None:
    """Return the one number or array that an operation takes beside its one tensor; None where it is otherwise."""
    if len(step.inputs) != 1 or len(step.constants) != 1:
        return None
    try:
        found = np.asarray(step.constants[0], np.float64)
    except (TypeError, ValueError):
        return None
    return found if found.size else None
