"""Every rule and detector there is, gathered from the rooms that own them, and policies that speak of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate import detectors
from gate.core.incomplete_rules import STOPS
from gate.core.rule import Rule
from gate.policy.policy_rules import RULES as POLICY_RULES
from gate.triage.static_rules import RULES as TRIAGE_RULES

if TYPE_CHECKING:
    from gate.policy.model import Policy
    from gate.policy.store import Store


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, sorted by id."""
    return tuple(sorted((*STOPS, *POLICY_RULES, *detectors.rules(), *TRIAGE_RULES), key=lambda rule: rule.id))


def known_detectors() -> dict[str, dict[str, type]]:
    """Return every detector's id with the names and types of its parameters."""
    return {detector: detectors.parameters(detector) for detector in detectors.ids()}


def load_policy(source: str | None, root: Path | None = None, store: Store | None = None) -> Policy:
    """Return the policy of a name or file, see `gate.policy.loader.load`; the root is the current folder if not given."""
    from gate.policy.loader import builtin_directory, load

    return load(source, known_detectors(), builtin_directory(), root or Path.cwd(), store)
