"""The rule that the policy itself adds to those of the detectors."""

from __future__ import annotations

from gate.core.rule import Rule, Severity

HIGH_SCORE = Rule(
    id="BD100",
    name="high-backdoor-score",
    summary="The detectors together make a backdoor more probable than the policy allows.",
    severity=Severity.CRITICAL,
    cwe=(506,),
    atlas=("AML.T0018",),
    page="""\
## What it means

The evidence of all detectors is combined into one calibrated probability of a backdoor, the score. It exceeds
`max_score` of the policy, although each detector alone may have stayed below its own limit.

## How to mend it

Look at the evidence of each detector in the report: which classes are suspected, and do the pictures of the
recovered trigger look like something that was put there? Do not deploy the model before its training data and its
origin are reviewed. Raise `max_score` for this path only with a `reason`.

## Limits

The score is calibrated on reference models. For a model very unlike those it is a guide, not a probability.
""",
)

RULES = (HIGH_SCORE,)
