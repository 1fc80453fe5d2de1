"""In which order detectors search: first a short look by each, then long ones where a look is suspicious, the most suspicious first.

Long ones follow, too, where short looks say little each, and a lot together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from gate.core.effort import Effort
from gate.core.errors import GateError
from gate.core.evidence import Evidence, Status
from gate.core.text import printable
from gate.detectors.shared.contract import Context, cut_short
from gate.worker.room import ALL, Room

Found = dict[str, Evidence]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One scan's searches.

    Attributes:
        detectors: By id.
        context: The model, and what the budget leaves time for.
        room: What the time limit leaves room for.
    """

    detectors: Mapping[str, Any]
    context: Context
    room: Room = ALL

    def long(self, look: Evidence) -> Evidence:
        """Return what a long search says after a short look; the look itself, cut, if there is no time for one."""
        detector, context = self.detectors[look.detector], self.context
        if context.effort is not Effort.WHOLE or not self.room.has_for_long(detector, context):
            return cut_short(look)
        return _run(look.detector, detector, dataclasses.replace(context, is_long=True))


def searched(search: Search) -> tuple[Evidence, ...]:
    """Return what each detector says, in their order; nothing of one that there is no time for."""
    found = _looked(search)
    suspicious = [each for each in found.values() if each.is_cut]
    for each in sorted(suspicious, key=lambda each: (-(each.anomaly_index or 0.0), each.detector)):
        found[each.detector] = search.long(each)
    return tuple(together(search, found).values())


def _looked(search: Search) -> Found:
    """Return what a short look by each detector finds; of those that have none, what they find."""
    context = search.context
    looking = context if context.is_full else dataclasses.replace(context, effort=Effort.SHORT)
    return {
        name: _run(name, each, looking)
        for name, each in search.detectors.items()
        if search.room.has_for_look(each, context)
    }


def together(search: Search, found: Found) -> Found:
    """Return the evidence, from long searches where short ones say little each, and a lot together.

    Where there is no time for these, the short ones cannot clear the model.

    Args:
        search: The searches.
        found: What each detector says by itself.
    """
    from gate.detectors import adding_up
    from gate.detectors.scoring.combination import WORTH_A_LONG_SEARCH, added_up, fitted

    if added_up(found.values(), fitted())[0] < WORTH_A_LONG_SEARCH:
        return found
    told = dict(found)
    for name, each in found.items():
        if name in adding_up() and each.is_by_short_look and not each.is_cut:
            told[name] = search.long(each)
    return told


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
