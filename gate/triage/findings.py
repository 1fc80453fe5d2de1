"""How the static checks say what they found."""

from __future__ import annotations

from collections.abc import Iterable

from gate.core.finding import Finding
from gate.core.rule import Confidence, Rule
from gate.core.text import printable
from gate.triage.static_rules import RESOURCE_BOMB

SAVE_AGAIN = "Save the model again where it is trusted: model.save('model.keras')."
_DO_NOT_LOAD = "Do not load the file. Find out who made it, and for what."


class BeyondLimitsError(Exception):
    """The file's own numbers prove that it must not be read further.

    Args:
        subject: What goes beyond a limit, stable between runs.
        message: What, received, and the limit.
    """

    def __init__(self, subject: str, message: str) -> None:
        super().__init__(message)
        self.finding = finding(RESOURCE_BOMB, subject, message, _DO_NOT_LOAD)


def finding(rule: Rule, subject: str, message: str, remedy: str = SAVE_AGAIN) -> Finding:
    """Return a finding of the static checks, which are always sure."""
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        confidence=Confidence.HIGH,
        message=message,
        subject=printable(subject, 126),
        remedy=remedy,
    )


def each_once(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding per rule and subject, in the order of their appearance."""
    first: dict[tuple[str, str], Finding] = {}
    for each in found:
        first.setdefault((each.rule, each.subject), each)
    return tuple(first.values())
