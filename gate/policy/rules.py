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

EXPIRED_WAIVER = Rule(
    id="BD190",
    name="expired-waiver",
    summary="Somebody answered for this model's finding until a day that is over.",
    severity=Severity.MEDIUM,
    page="""\
## What it means

A waiver accepts a finding for a while: it names the rule, the file and its content, a reason, an owner and a last day.
That day is over, and the finding is still there. An exception that nobody looks at again would be a rule that nobody
made, so the build fails for the finding and for the waiver.

## How to mend it

Replace the model by one without the finding and remove the waiver. Where the finding is still acceptable, let the
owner say so again: `backdoor-gate waive REPORT.json --path MODEL --rule RULE --reason ... --owner ...` writes a new
entry; remove the old one. No waiver may end later than the policy's `waivers.max_days` from today.

## Limits

Only models of the run are looked at. Waivers of other models that have expired are a notice; a scheduled scan of the
whole repository finds them. Days are days in UTC.
""",
)

RULES = (HIGH_SCORE, EXPIRED_WAIVER)
