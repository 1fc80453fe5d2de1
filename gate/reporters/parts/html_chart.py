"""The HTML format's drawings, as numbers: the bars of one chart, and an index against its limit."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median

from gate.core.evidence import Evidence
from gate.core.scale import LIMIT
from gate.reporters.parts.words import labels, number, safe

HEIGHT = 132
_MOST_BARS = 120
_MOST_NAMES = 12
_GAP = 0.28  # between two bars, as a share of a bar's room
_LEAST = 2.0  # px: a norm of nothing is still a bar
# No picture has more pixels, and what is drawn as nothing needs no scale; a report may hold any number.
_LARGEST_NORM, _SMALLEST_NORM = 1e9, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One class: horizontally in per cent of the chart's width, vertically in pixels."""

    label: int
    value: str
    left: str
    width: str
    centre: str
    top: str
    height: str
    is_target: bool
    is_named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line across the chart, and what it stands for."""

    top: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The trigger norms of the classes, as one detector measured them.

    Attributes:
        title: What is drawn.
        summary: The same in sentences, for those who do not see it.
        height: Of the bars' room, px.
        bars: By label.
        ticks: From the bottom up.
        median: Where the median lies.
    """

    title: str
    summary: str
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    median: Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """An index on a scale whose middle is the limit of clean models.

    Attributes:
        text: The index.
        filled: Share of the scale in per cent, 0..100.
        is_high: Whether it exceeds the limit.
    """

    text: str
    filled: str
    is_high: bool


def meter(index: float | None) -> Meter | None:
    """Return an anomaly index as a drawing; None if there is none."""
    if index is None:
        return None
    share = min(max(index / (2 * LIMIT), 0.0), 1.0)
    return Meter(text=number(index), filled=f"{100 * share:.1f}", is_high=index > LIMIT)


def chart(evidence: Evidence) -> Chart | None:
    """Return the chart of a detector that inverted triggers; None for one that did not."""
    measured = evidence.trigger_norms
    norms = {label: min(max(norm, 0.0), _LARGEST_NORM) for label, norm in measured.items()}
    if not norms:
        return None
    shown = sorted(sorted(norms, key=lambda label: (norms[label], label))[:_MOST_BARS])
    step = _step(max(norms[label] for label in shown))
    top = step * max(1, math.ceil(max(norms[label] for label in shown) / step))
    middle = median(norms.values())
    return Chart(
        title=f"Smallest trigger of each class, {safe(evidence.detector)}",
        summary=_summary(norms, len(shown), evidence.target_labels),
        height=HEIGHT,
        bars=_bars({label: norms[label] for label in shown}, top, evidence.target_labels),
        ticks=tuple(_tick(step * i, top) for i in range(round(top / step) + 1)),
        median=_tick(min(middle, top), top, f"median {number(middle, 1)} px"),
    )


def _step(largest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that two to five lines reach the largest value."""
    if largest < _SMALLEST_NORM:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(power * part for part in (0.5, 1, 2, 5) if largest <= 4 * power * part)


def _tick(value: float, top: float, text: str = "") -> Tick:
    return Tick(top=f"{HEIGHT * (1 - value / top):.1f}", text=text or f"{value:g}")


def _bars(norms: dict[int, float], top: float, targets: Collection[int]) -> tuple[Bar, ...]:
    room = 100 / len(norms)
    every = math.ceil(len(norms) / _MOST_NAMES)
    places = {label: place for place, label in enumerate(norms)}
    # A target's own name wins over those beside it, which would overlap.
    crowded = {
        places[label] + near for label in targets if label in places for near in range(1 - every, every)
    }
    return tuple(
        Bar(
            label=label,
            value=number(norm, 1),
            left=f"{room * (place + _GAP / 2):.3f}",
            width=f"{room * (1 - _GAP):.3f}",
            centre=f"{room * (place + 0.5):.3f}",
            top=f"{HEIGHT - max(HEIGHT * norm / top, _LEAST):.1f}",
            height=f"{max(HEIGHT * norm / top, _LEAST):.1f}",
            is_target=label in targets,
            is_named=label in targets or (place % every == 0 and place not in crowded),
        )
        for (label, norm), place in zip(norms.items(), places.values(), strict=True)
    )


def _summary(norms: dict[int, float], shown: int, targets: Collection[int]) -> str:
    smallest = min(norms, key=lambda label: (norms[label], label))
    told = [
        f"{len(norms)} classes"
        + (f", of which the {shown} smallest are drawn." if shown < len(norms) else "."),
        f"The smallest trigger, {number(norms[smallest], 1)} px, is that of class {smallest};",
        f"the median is {number(median(norms.values()), 1)} px.",
    ]
    return " ".join([*told, f"Suspected: class {labels(targets)}."] if targets else told)
