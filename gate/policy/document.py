"""A policy as plain nested data: its shape once checked, and how one layer is laid over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

Parameter = bool | int | float | str


class DetectorDocument(TypedDict):
    """All settings of one detector."""

    enabled: bool
    max_anomaly_index: float
    statistic: str
    severity: str
    on_skip: str
    parameters: dict[str, Parameter]


class LimitsDocument(TypedDict):
    """All limits of one scan."""

    seconds: int
    budget: int | None
    memory_mb: int
    model_mb: int


class DataDocument(TypedDict):
    """A data set."""

    path: str
    role: str


class SettingsDocument(TypedDict):
    """All settings that may differ between paths."""

    detectors: dict[str, DetectorDocument]
    max_score: float | None
    max_regression: float | None
    incomplete: str
    inconclusive: str
    limits: LimitsDocument
    input_range: list[float] | None
    data: DataDocument | None


class WaiversDocument(TypedDict, total=False):
    """What waivers may do."""

    max_days: int
    allow_incomplete: bool


class FileDocument(TypedDict, total=False):
    """What a policy file says beside the settings."""

    extends: str
    profile: str | None
    exclude: list[str]
    waivers: WaiversDocument
    paths: list[dict[str, object]]


def merge(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with `over` laid on top: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged
