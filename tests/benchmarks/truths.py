"""What is true of a network that stands for a trained one."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.networks.truth import Truth

_CLEAN = Truth(
    num_classes=3,
    shape=(28, 28, 1),
    accuracy=0.9,
    success=None,
    target=None,
    targets=(),
    pixels=(),
    offset=(0.0,),
    scale=(1.0,),
    limits=(0.0, 1.0),
    seconds=1.0,
)


def true(**changes: Any) -> Truth:
    """Return the truth of a clean network of three classes, but for the changes."""
    return dataclasses.replace(_CLEAN, **changes)
