"""Ways to look for a backdoor: one file each, found by its name; what several of them use stands in folders."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import get_type_hints

from gate.core.rule import Rule
from gate.detectors.shared.contract import Detector


def ids() -> tuple[str, ...]:
    """Return the ids of all detectors; nothing is imported."""
    modules = pkgutil.iter_modules(__path__)
    return tuple(sorted(module.name.replace("_", "-") for module in modules if not module.ispkg))


def detector_class(detector: str) -> type[Detector]:
    """Return the class of a detector.

    Raises:
        KeyError: There is no such detector.
    """
    if detector not in ids():
        raise KeyError(detector)
    module = importlib.import_module(f"{__name__}.{detector.replace('-', '_')}")
    found: type[Detector] = module.DETECTOR
    return found


@functools.cache
def adding_up() -> frozenset[str]:
    """Return the ids of the detectors whose indices of classes join the joint score."""
    return frozenset(detector for detector in ids() if detector_class(detector).ADDS_UP)


def create(detector: str, parameters: Mapping[str, object]) -> Detector:
    """Return a detector with these parameters, the rest as they are by default."""
    return detector_class(detector)(**parameters)


def parameters(detector: str) -> dict[str, type]:
    """Return the names and types of a detector's parameters."""
    cls = detector_class(detector)
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]


def rules() -> tuple[Rule, ...]:
    """Return the rule of every detector."""
    return tuple(detector_class(detector).RULE for detector in ids())
