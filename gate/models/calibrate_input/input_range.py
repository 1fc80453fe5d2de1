"""Which raw values mean black and white: stated by the user, read off the first layers, or inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.models.calibrate_input.batch_statistics import mismatch
from gate.models.calibrate_input.logit_scale import UNHEARD_OF, pictures, usual_lead
from gate.models.graph.nested import inner_layers
from gate.models.numerics.arrays import Images
from gate.models.surrogates.selection import SOME, information, probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# Images of each family.
_Drawn = Sequence[Images]

UNIT, BYTES, SIGNED = (0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)
# What programs make of pictures, and how far a layer's word may be from it: 1/256 is as good as 1/255.
_USUAL, _NEARLY = (UNIT, BYTES, SIGNED, (-0.5, 0.5)), 0.02
_FAMILIES = ("strokes", "signs", "leaves")
# Measured on 28 public networks of known range (docs/detection.md): fed images in the right range, the best
# family carries at least this much information; fed 255 times too little, all of them carry less.
_ALIVE, _ASLEEP = 0.35, 0.22
_SATURATED = 0.97
# Of three ranges, batch normalisation fits the right one this many times better than the next, or it is not sure.
_CLEARLY_BETTER = 2.0
_HARDLY_BETTER = 1.1


@dataclass(frozen=True, slots=True)
class InputRange:
    """What black and white are.

    Attributes:
        low: Raw value of black.
        high: Raw value of white.
        source: Who says so, in words for the report.
        is_sure: False if the network's answers fit more than one range.
    """

    low: float
    high: float
    source: str
    is_sure: bool = True


def find(classifier: Classifier, seed: int) -> InputRange:
    """Return the input range.

    The first layers say it if they scale; what batch normalisation remembers and the network's answers to probes tell it
    else. A file may put a misleading layer in front, so a layer is not believed against a network that sleeps. Nor is a
    network that is awake at any range, because its last weights were multiplied.
    """
    told = _from_layers(classifier.network)
    drawn = [probes(family, classifier.input_shape, seed, SOME) for family in _FAMILIES]
    if told is not None:
        return _unless_unusual(_unless_any_will_do(classifier, _doubted(classifier, told, drawn), seed))
    return _from_memory(classifier, drawn) or _unless_any_will_do(
        classifier, _from_answers(classifier, drawn), seed
    )


def _unless_any_will_do(classifier: Classifier, found: InputRange, seed: int) -> InputRange:
    """Return what was found, in doubt if the network is surer there than training makes any."""
    if (
        usual_lead(classifier.with_input_range(found.low, found.high), pictures(classifier, seed))
        <= UNHEARD_OF
    ):
        return found
    return replace(found, source=f"{found.source}, but it is surer than training makes any", is_sure=False)


def _doubted(classifier: Classifier, told: InputRange, drawn: _Drawn) -> InputRange:
    """Return what a layer says, in doubt if the network is asleep there and awake at another range."""
    if _liveliness(classifier, (told.low, told.high), drawn)[0] > _ASLEEP:
        return told
    others = [span for span in (UNIT, BYTES) if span != (told.low, told.high)]
    if all(_liveliness(classifier, span, drawn)[0] < _ALIVE for span in others):
        return told
    return replace(told, source=f"{told.source}, but the network answers to another", is_sure=False)


def _from_memory(classifier: Classifier, drawn: _Drawn) -> InputRange | None:
    """Return the range at which the first batch normalisation sees what it remembers, if one is clearly the best."""
    images = np.concatenate(drawn)
    found = []
    for span in (UNIT, BYTES, SIGNED):
        distance = mismatch(classifier.with_input_range(*span), images)
        if distance is None:
            return None
        found.append((distance, span))
    (best, span), (second, _), _ = sorted(found)
    if second < _HARDLY_BETTER * best:
        return None
    return InputRange(*span, "inferred from batch normalisation", is_sure=second >= _CLEARLY_BETTER * best)


def _unless_unusual(found: InputRange) -> InputRange:
    """Return what was found, in doubt if it is a range that no program makes of pictures: a layer can say anything."""
    spans = ((low, high, _NEARLY * (high - low)) for low, high in _USUAL)
    if (
        any(np.allclose((found.low, found.high), span[:2], atol=span[2]) for span in spans)
        or not found.is_sure
    ):
        return found
    return replace(found, source=f"{found.source}, but no pictures have that range", is_sure=False)


def _from_layers(network: Any) -> InputRange | None:
    """Return the range that the first layers take to 0..1 or to a range around 0; None if they say nothing."""
    import keras

    scale, offset, names = 1.0, 0.0, []
    for layer in inner_layers(network):
        if (
            isinstance(layer, keras.layers.Rescaling)
            and not np.ndim(layer.scale)
            and not np.ndim(layer.offset)
        ):
            # Several in a row come to one: y = s2 (s1 x + o1) + o2.
            scale, offset = scale * float(layer.scale), offset * float(layer.scale) + float(layer.offset)
            names.append(layer.name)
        elif isinstance(layer, keras.layers.Normalization):
            return _from_statistics(float(np.max(np.abs(np.asarray(layer.mean)))), layer.name)
        elif layer.weights:
            break
    return _from_scale(scale, offset, ", ".join(names)) if names else None


def _from_scale(scale: float, offset: float, names: str) -> InputRange | None:
    if not np.isfinite([scale, offset]).all() or scale == 0 or (scale, offset) == (1, 0):
        return None
    # Networks work on 0..1, or on a range that the negative offset centres on 0.
    bottom, top = (offset, -offset) if offset < 0 else (0.0, 1.0)
    low, high = (round((edge - offset) / scale, 3) for edge in (bottom, top))
    return InputRange(low, high, f"layer {names} (Rescaling)")


def _from_statistics(mean: float, name: str) -> InputRange:
    low, high = BYTES if mean > 2.0 else UNIT
    return InputRange(low, high, f"layer {name} (Normalization)")


def _from_answers(classifier: Classifier, drawn: _Drawn) -> InputRange:
    """Compare how the network answers the same pictures as 0..1 and as 0..255.

    Too small a range puts it to sleep (all answers alike); too large a range saturates it (always certain).
    """
    unit, _ = _liveliness(classifier, UNIT, drawn)
    wide, confidence = _liveliness(classifier, BYTES, drawn)
    if unit >= _ALIVE:
        return InputRange(*UNIT, "inferred from the network's answers")
    if wide > unit and confidence < _SATURATED:
        is_sure = wide >= _ALIVE and unit <= _ASLEEP
        return InputRange(*BYTES, "inferred from the network's answers", is_sure)
    return InputRange(*UNIT, "assumed, the network's answers do not tell", is_sure=False)


def _liveliness(classifier: Classifier, span: tuple[float, float], drawn: _Drawn) -> tuple[float, float]:
    """Return information and mean confidence of the most informative family at this range."""
    there = classifier.with_input_range(*span)
    answers = [there.predict(images) for images in drawn]
    best = max(answers, key=information)
    return information(best), _mean_confidence(best)


def _mean_confidence(logits: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return float((1.0 / np.exp(shifted).sum(axis=1)).mean())
