"""A rule: one kind of problem that the gate can report, with the page that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is if true."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Confidence(StrEnum):
    """How sure the gate is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The identity of a problem, shared by `explain`, SARIF and the documentation.

    Attributes:
        id: Stable code, such as "BD101".
        name: The problem in kebab-case, such as "anomalous-trigger".
        summary: One sentence, ends with a full stop.
        page: Markdown for `explain` and SARIF's help: what, why, how to mend, limits, paper.
        severity: How bad it is if true.
        cwe: CWE numbers, such as (506,).
        atlas: MITRE ATLAS technique ids, such as ("AML.T0018",).
        stops: True for a problem of the scan itself (exit 3), False for a problem of the model (exit 1).
    """

    id: str
    name: str
    summary: str
    page: str
    severity: Severity
    cwe: tuple[int, ...] = ()
    atlas: tuple[str, ...] = ()
    stops: bool = False
