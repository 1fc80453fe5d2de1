"""What a detector measured on one model, before anybody judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Whether a detector could do its work."""

    MEASURED = "measured"
    SKIPPED = "skipped"
    FAILED = "failed"


def _require_finite(name: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, received {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number that a detector read off a model.

    Attributes:
        name: What was measured, snake_case.
        value: Finite.
        unit: "px", "s", "%", or "" for a plain number.
        label: The class it belongs to; None for the whole model.
    """

    name: str
    value: float
    unit: str = ""
    label: int | None = None

    def __post_init__(self) -> None:
        _require_finite(self.name, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A recovered trigger: x' = (1 - mask) * x + mask * pattern.

    Attributes:
        target_label: Class that stamped images are sent to; None if each class is sent to another of its own.
        l1_norm: Sum of the mask, in pixels, >= 0.
        attack_success_rate: Share of other-class images sent to the target, 0..1.
        files: Where the pictures were written, relative to the report; empty if nowhere.
        mask_png: 8-bit grey PNG, (height, width); 255 = replaces the pixel.
        pattern_png: 8-bit PNG of the pattern over the model's input range, (height, width[, 3]).
        examples_png: 8-bit PNG: a few images that it turns, and below each the same with the trigger; b"" if none.
    """

    target_label: int | None
    l1_norm: float
    attack_success_rate: float
    files: tuple[str, ...] = ()
    mask_png: bytes = b""
    pattern_png: bytes = b""
    examples_png: bytes = b""

    @property
    def destination(self) -> str:
        """Where stamped images go, in words."""
        return "another class each" if self.target_label is None else f"class {self.target_label}"

    def __post_init__(self) -> None:
        _require_finite("l1_norm", self.l1_norm)
        _require_finite("attack_success_rate", self.attack_success_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectSample:
    """One image of the data set that looks poisoned.

    Attributes:
        index: Its position in the data set, from 0.
        file: Its file relative to the data set; "" if it has none. Written by a stranger.
        label: The class that the data set states.
        score: How suspicious, finite; larger is more, and only comparable within one evidence.
    """

    index: int
    file: str
    label: int
    score: float

    def __post_init__(self) -> None:
        _require_finite("score", self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """The images of the data set that the evidence points at.

    Attributes:
        count: How many there are.
        files: Where list and picture were written, relative to the report; empty if nowhere.
        samples: The most suspicious ones, the worst first; all of them unless there are thousands.
        sheet_png: The worst ones in one picture, above a row of usual ones of the same class.
    """

    count: int
    files: tuple[str, ...] = ()
    samples: tuple[SuspectSample, ...]
    sheet_png: bytes = b""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the picture: its row and column, each as a share of the picture's side, 0..1."""

    row: float
    column: float


# Names of measurements that have a meaning for others than their detector.
CLASS_INDEX, TRIGGER_NORM, CLASSES_SEARCHED = "class_index", "trigger_norm", "classes_searched"
SHORT_LOOK = "short_look"
CUT_SHORT = (
    "A short look found something suspicious, and there is no time for the long search. "
    "Give it more: --budget, or limits.budget and limits.seconds in the policy."
)
_ROW, _COLUMN = "place_row", "place_column"


def searched(classes: int) -> Measurement:
    """Return the measurement of how many classes were looked at."""
    return Measurement(name=CLASSES_SEARCHED, value=float(classes))


def located(place: Location) -> tuple[Measurement, ...]:
    """Return the measurements of a place in the picture."""
    return Measurement(name=_ROW, value=place.row), Measurement(name=_COLUMN, value=place.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one detector has to say of one model.

    Attributes:
        detector: Id of the detector, its file name in kebab-case.
        rule: Rule that a finding from this evidence carries.
        status: Whether it was measured.
        anomaly_index: Scaled so that at most 1 % of clean models exceed the limit; None unless measured.
        paper_statistic: The number that the detector's paper reports; None where it has none.
        target_labels: Suspected target classes, most suspicious first.
        reason: Why it was skipped or failed; "" when measured.
        inconclusive: Why a measured index cannot clear the model; "" when it can.
        measurements: The numbers behind the index.
        trigger: The recovered trigger of the leading class.
        suspects: Images of the data set that look poisoned; None where no class is past the limit.
        remark: What was found, in words, without a full stop; "" where numbers say it. Names of the file are printable.
    """

    detector: str
    rule: str
    status: Status
    anomaly_index: float | None = None
    paper_statistic: float | None = None
    target_labels: tuple[int, ...] = ()
    reason: str = ""
    inconclusive: str = ""
    measurements: tuple[Measurement, ...] = ()
    trigger: Trigger | None = None
    suspects: Suspects | None = None
    remark: str = ""

    @property
    def class_indices(self) -> dict[int, float]:
        """Anomaly index of each class that has any."""
        return self.by_class(CLASS_INDEX)

    @property
    def trigger_norms(self) -> dict[int, float]:
        """Size of each class's trigger on the images that were searched first, in pixels or of its own unit."""
        return self.by_class(TRIGGER_NORM)

    @property
    def classes_searched(self) -> int | None:
        """How many classes were looked at; None where that is not told."""
        return next((int(each.value) for each in self.measurements if each.name == CLASSES_SEARCHED), None)

    @property
    def is_by_short_look(self) -> bool:
        """Whether it comes from a short look alone."""
        return any(each.name == SHORT_LOOK for each in self.measurements)

    @property
    def is_cut(self) -> bool:
        """Whether there was no time for the long search that a short look calls for: it blames nobody, and clears nobody."""
        return self.inconclusive == CUT_SHORT

    @property
    def location(self) -> Location | None:
        """Where in the picture the trigger should be; None where that is not told."""
        told = {each.name: each.value for each in self.measurements if each.name in (_ROW, _COLUMN)}
        return Location(told[_ROW], told[_COLUMN]) if len(told) == 2 else None

    def by_class(self, name: str) -> dict[int, float]:
        """Return the values of a measurement that belong to single classes."""
        return {m.label: m.value for m in self.measurements if m.name == name and m.label is not None}

    def __post_init__(self) -> None:
        _require_finite("anomaly_index", self.anomaly_index)
        _require_finite("paper_statistic", self.paper_statistic)
        if (self.status is Status.MEASURED) != (self.anomaly_index is not None):
            raise ValueError(
                f"{self.detector}: an anomaly index belongs to measured evidence, and only there"
            )
        if self.status is not Status.MEASURED and not self.reason:
            raise ValueError(f"{self.detector}: {self.status} evidence needs a reason")
