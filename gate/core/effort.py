"""How much of a scan a budget leaves time for: one of a few fixed plans, so that a verdict does not follow a machine's speed."""

from __future__ import annotations

from enum import StrEnum


class Effort(StrEnum):
    """What is searched. A smaller one never turns a verdict into another: it can only leave the scan inconclusive."""

    WHOLE = "whole"
    SHORT = "short looks"
    LEAST = "no searches"
