"""What detectors say: each by itself, and by long searches where short looks say little each, and a lot together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gate.core.effort import Effort
from gate.core.errors import GateError
from gate.core.evidence import Evidence, Status
from gate.core.text import printable

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context


def searched(detectors: Mapping[str, Any], context: Context) -> tuple[Evidence, ...]:
    """Return what each detector says, in their order.

    Args:
        detectors: By id.
        context: The model, and what the budget leaves time for.
    """
    return followed(detectors, tuple(_run(name, each, context) for name, each in detectors.items()), context)


def followed(
    detectors: Mapping[str, Any], evidence: tuple[Evidence, ...], context: Context
) -> tuple[Evidence, ...]:
    """Return the evidence, from long searches where short ones say little each, and a lot together.

    Where the budget leaves no time for these, the short ones cannot clear the model.
    """
    from gate.detectors import adding_up
    from gate.detectors.scoring.combination import WORTH_A_LONG_SEARCH, added_up, fitted
    from gate.detectors.shared.contract import cut_short, is_by_short_look

    if added_up(evidence, fitted())[0] < WORTH_A_LONG_SEARCH:
        return evidence
    long = dataclasses.replace(context, is_long=True)

    def again(each: Evidence) -> Evidence:
        if each.detector not in adding_up() or not is_by_short_look(each):
            return each
        if context.effort is not Effort.WHOLE:
            return cut_short(each)
        return _run(each.detector, detectors[each.detector], long)

    return tuple(map(again, evidence))


def _run(name: str, detector: Any, context: Context) -> Evidence:
    """Return what one detector says; that it failed, if it did."""
    try:
        found: Evidence = detector.run(context)
    except GateError as error:
        reason = f"{error} {error.hint}".rstrip()
    except Exception as error:
        reason = f"{type(error).__name__}: {printable(str(error), 300)}"
    else:
        return found
    # What the other detectors find still counts.
    return Evidence(detector=name, rule=detector.RULE.id, status=Status.FAILED, reason=reason)
