"""The rules that the policy itself adds to those of the detectors."""

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

REGRESSION = Rule(
    id="BD191",
    name="more-suspicious-than-before",
    summary="The model is more suspicious than the one that it replaces.",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0018",),
    page="""\
## What it means

The policy limits how much worse a model may be than the one under the same path at the base commit (`max_regression`).
A detector measured both, with the same seed and settings, and its anomaly index rose by more than that, though it stayed
below the detector's own limit. A backdoor that keeps below the limits still has to raise what the old model measured.

## How to mend it

Look at what changed: the report names the layers, and the trigger that was found in the new model. Was the training set
extended, or does the model come from somebody else? Train it again from data that you trust. Where the rise is understood,
waive this one file.

## Limits

Two clean networks differ, too: of the first zoo's, unlike as they are, nine pairs in ten by less than 1.1 for each detector that
looks for one target class; a class permutation moves more by chance. A new path has nothing to be compared with, nor has a model that DVC tracks, nor an old one that could not be scanned for what it is; for those the
detectors' own limits hold. Where the old model is not here (a Git LFS pointer without its object) or its scan failed, the
scan is incomplete (BD005): `git lfs fetch origin BASE` brings it, and a verdict in the cache does without.
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

RULES = (HIGH_SCORE, EXPIRED_WAIVER, REGRESSION)
