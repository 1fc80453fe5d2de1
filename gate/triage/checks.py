"""Static checks of a stored architecture: does it bring code, foreign classes or the impossible along?"""

from __future__ import annotations

from collections.abc import Iterator

from gate.core.finding import Finding
from gate.core.text import printable
from gate.triage import classes, code, options
from gate.triage.configuration import Spot, spots
from gate.triage.findings import BeyondLimitsError, each_once, finding
from gate.triage.static_rules import AMBIGUOUS_FILE
from gate.triage.stored import StoredModel


def check(stored: StoredModel) -> tuple[Finding, ...]:
    """Return one finding per kind of problem, in the order of their appearance."""
    return each_once(_all(stored))


def _all(stored: StoredModel) -> Iterator[Finding]:
    try:
        for spot in spots(stored.config):
            yield from _judged(spot)
        for spot in spots(stored.training, is_training=True):
            yield from _judged(spot)
    except BeyondLimitsError as error:
        yield error.finding
    for key in stored.doubled:
        yield finding(
            AMBIGUOUS_FILE,
            f"key:{key}",
            f"The key {printable(repr(key), 80)} stands twice in one object of the configuration; "
            "readers differ in which one counts.",
        )


def _judged(spot: Spot) -> Iterator[Finding]:
    # Of what only training needs, code alone counts: a project's own losses and metrics are never loaded here.
    for judge in (
        (classes.check, code.check) if spot.is_training else (classes.check, code.check, options.check)
    ):
        found = judge(spot)
        if found is not None:
            yield found
