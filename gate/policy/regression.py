"""Judge a model by the one that it replaces: suspicion that grew is a reason to fail, below every limit too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.core import incomplete_rules
from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import Gap
from gate.core.rule import Confidence
from gate.core.scan import Scan
from gate.policy import wording
from gate.policy.model import Consequence, PathPolicy
from gate.policy.policy_rules import REGRESSION

_UNCOMPARED = (
    "The policy limits how much worse than the base commit's model this one may be (`max_regression`), and that one could not be "
    "scanned: "
)
# What comes and goes with the machine. A base that is no model that can be scanned is a fact, and nothing got worse.
_PASSING = frozenset(
    rule.id
    for rule in (
        incomplete_rules.MISSING_OBJECT,
        incomplete_rules.SCAN_FAILED,
        incomplete_rules.MISSING_ENGINE,
        incomplete_rules.MISSING_SANDBOX,
    )
)


def regressions(evidence: Iterable[Evidence], base: Scan | None, policy: PathPolicy) -> Iterator[Finding]:
    """Yield a finding for each detector whose anomaly index rose by more than the policy allows.

    Args:
        evidence: Of the model. What is past a limit of its own needs no second finding, and is left out by the caller.
        base: The scan of the model under the same path at the base commit; None if there is none.
        policy: What the model's path must satisfy.
    """
    limit = policy.max_regression
    if base is None or limit is None:
        return
    before = {each.detector: each.anomaly_index for each in base.evidence if each.anomaly_index is not None}
    for each in evidence:
        if each.anomaly_index is None or each.detector not in before:
            continue
        rise = each.anomaly_index - before[each.detector]
        if not rise <= limit:
            yield _finding(each, before[each.detector], limit)


def _finding(evidence: Evidence, before: float, limit: float) -> Finding:
    after = evidence.anomaly_index
    assert after is not None
    rise, allowed = wording.apart(after - before, limit)
    return Finding(
        rule=REGRESSION.id,
        severity=REGRESSION.severity,
        # Two clean networks differ, too; by how much depends on how unlike they are.
        confidence=Confidence.MEDIUM,
        message=f"The anomaly index of {evidence.detector} rose by {rise} to {after:.2f} (allowed {allowed}) over the model "
        "that lies under this path at the base commit.",
        detector=evidence.detector,
        subject=f"detector:{evidence.detector}",
        remedy=wording.remedy(REGRESSION.id),
    )


def uncompared(base: Scan | None, policy: PathPolicy) -> Iterator[Gap]:
    """Yield why the comparison that the policy asks for was not made, where another run could make it."""
    if base is None or policy.max_regression is None or policy.inconclusive is Consequence.WARN:
        return
    reasons = [_reason(gap) for gap in base.gaps if gap.rule in _PASSING]
    reasons += [
        f"{each.detector} failed: {each.reason}" for each in base.evidence if each.status is Status.FAILED
    ]
    if reasons:
        yield Gap(rule=incomplete_rules.INCONCLUSIVE.id, message=_UNCOMPARED + wording.sentence(reasons[0]))


def unscanned_base(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return the gaps of a base of which an earlier verdict says, by `uncompared`, that it could not be scanned."""
    told = (gap.message for gap in gaps if gap.message.startswith(_UNCOMPARED))
    return tuple(
        Gap(rule=incomplete_rules.SCAN_FAILED.id, message=message.removeprefix(_UNCOMPARED))
        for message in told
    )


def _reason(gap: Gap) -> str:
    if gap.rule == incomplete_rules.MISSING_OBJECT.id:
        # What the gap says brings the object of the commit that is checked out.
        return "it is a pointer without its object, which `git lfs fetch origin BASE` brings"
    return gap.message
