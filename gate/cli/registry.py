"""Every rule and detector there is, gathered from the rooms that own them."""

from __future__ import annotations

from gate import detectors
from gate.core.incomplete_rules import STOPS
from gate.core.rule import Rule
from gate.policy.policy_rules import RULES as POLICY_RULES
from gate.triage.static_rules import RULES as TRIAGE_RULES


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, sorted by id."""
    return tuple(sorted((*STOPS, *POLICY_RULES, *detectors.rules(), *TRIAGE_RULES), key=lambda rule: rule.id))


def known_detectors() -> dict[str, dict[str, type]]:
    """Return every detector's id with the names and types of its parameters."""
    return {detector: detectors.parameters(detector) for detector in detectors.ids()}
