"""In which order detectors search: first a short look by each, then long searches where a look is suspicious, the most suspicious first.

Once a long search finds a trigger that no clean network has, the searches that are left would only say it again.
"""

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

Found = dict[str, Evidence]


def searched(detectors: Mapping[str, Any], context: Context) -> tuple[Evidence, ...]:
    """Return what each detector says, in their order.

    Args:
        detectors: By id.
        context: The model, and what the budget leaves time for.
    """
    looking = dataclasses.replace(context, effort=Effort.SHORT)
    found = {name: run(name, each, looking) for name, each in detectors.items()}
    if context.effort is Effort.WHOLE:
        found = _followed(detectors, found, context)
    return tuple(_together(detectors, found, context).values())


def run(name: str, detector: Any, context: Context) -> Evidence:
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


def _followed(detectors: Mapping[str, Any], found: Found, context: Context) -> Found:
    """Return the evidence with long searches where short looks were suspicious, the most suspicious first."""
    from gate.detectors.shared.contract import is_cut_short

    suspicious = [each for each in found.values() if is_cut_short(each)]
    for each in sorted(suspicious, key=lambda each: (-(each.anomaly_index or 0.0), each.detector)):
        found = found | {each.detector: _long(each, detectors, found, context)}
    return found


def _together(detectors: Mapping[str, Any], found: Found, context: Context) -> Found:
    """Return the evidence, from long searches where short ones say little each, and a lot together.

    Where the budget leaves no time for these, the short ones cannot clear the model.
    """
    from gate.detectors import adding_up
    from gate.detectors.scoring.combination import WORTH_A_LONG_SEARCH, added_up, fitted
    from gate.detectors.shared.contract import cut_short, is_by_short_look

    if added_up(found.values(), fitted())[0] < WORTH_A_LONG_SEARCH:
        return found
    for name, each in found.items():
        if name not in adding_up() or not is_by_short_look(each):
            continue
        is_whole = context.effort is Effort.WHOLE
        found = found | {name: _long(each, detectors, found, context) if is_whole else cut_short(each)}
    return found


def _long(look: Evidence, detectors: Mapping[str, Any], found: Found, context: Context) -> Evidence:
    """Return what a long search says after a short look; the look itself, where another detector has settled it."""
    from gate.detectors.shared.contract import settled_by

    settling = next((each.detector for each in found.values() if is_settling(each)), "")
    if settling:
        return settled_by(look, settling)
    return run(look.detector, detectors[look.detector], dataclasses.replace(context, is_long=True))


def is_settling(evidence: Evidence) -> bool:
    """Return whether evidence leaves no doubt: a trigger by a long search, far beyond what clean networks have."""
    from gate.detectors.shared.contract import SETTLED, is_by_short_look

    is_beyond = (evidence.anomaly_index or 0.0) >= SETTLED and not evidence.inconclusive
    return is_beyond and evidence.trigger is not None and not is_by_short_look(evidence)
