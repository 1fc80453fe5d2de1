"""Why a finding does not count: somebody answers for it, or it was known before the gate came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ground(StrEnum):
    """What kind of exception it is."""

    WAIVER = "waiver"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Every finding (or gap) of one rule on one model that does not count.

    Attributes:
        rule: Id of the rule.
        ground: Waiver or baseline.
        source: Where it stands, such as ".backdoor-gate/waivers.yaml:3".
        reason: Why somebody accepts it; "" for a baseline.
        owner: Who answers for it; "" for a baseline.
        expires: Last day that it counts, as YYYY-MM-DD; "" for a baseline.
    """

    rule: str
    ground: Ground
    source: str
    reason: str = ""
    owner: str = ""
    expires: str = ""

    def __str__(self) -> str:
        if self.ground is Ground.BASELINE:
            return f"known from the baseline ({self.source})"
        return f"waived until {self.expires} by {self.owner}: {self.reason} ({self.source})"
