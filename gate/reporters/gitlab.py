"""GitLab's Code Quality report: an array of issues that a merge request shows beside its changes."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from typing import Unpack

from gate.core.report import ScanReport
from gate.core.rule import Rule, Severity
from gate.reporters.parts.concerns import Concern, Level, concerns
from gate.reporters.parts.json_text import Json, dump
from gate.reporters.parts.look import Look
from gate.reporters.parts.words import safe

_LONG = 4096

# GitLab's five words, from "blocker" down; ours of a problem that stops the merge are all in the upper half.
_STOPPING = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the findings and gaps as Code Quality issues; a run without any is an empty array.

    What is waived stays, as "info" and with the reason: an issue that vanished would look mended.
    """
    return dump([_issue(concern) for concern in concerns(report, rules)])


def _issue(concern: Concern) -> Json:
    finding = concern.finding
    then = f"Does not count: {concern.exemption}" if concern.exemption else finding.remedy
    return {
        "description": safe(f"{finding.message} {then}".rstrip(), 2000),
        "check_name": safe(finding.rule),
        "fingerprint": _fingerprint(concern),
        "severity": _severity(concern),
        # A model has no lines; GitLab asks for one all the same.
        "location": {"path": _path(concern.entry.artifact.path), "lines": {"begin": 1}},
    }


def _severity(concern: Concern) -> str:
    if concern.level is Level.NOTE:
        return "info"
    return _STOPPING[concern.finding.severity] if concern.level is Level.ERROR else "minor"


def _fingerprint(concern: Concern) -> str:
    """Return an identity that stays between runs and is unique in the report: GitLab drops the second of two equals."""
    if concern.occurrence == 1:
        return concern.fingerprint
    return hashlib.sha256(f"{concern.fingerprint}:{concern.occurrence}".encode()).hexdigest()[:16]


def _path(path: str) -> str:
    """Return the path as GitLab links it: from the repository's root, without a leading ``./``."""
    return posixpath.normpath(safe(path, _LONG))
