"""Lay the exceptions over a verdict: what is waived no longer counts, and what has expired counts twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from gate.core.exemption import Exemption
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Verdict
from gate.core.rule import Confidence
from gate.policy.model import Consequence, PathPolicy, WaiverTerms
from gate.policy.policy_rules import EXPIRED_WAIVER
from gate.policy.waivers.model import Exemptions, Waiver


def exempt(
    report: ArtifactReport, exemptions: Exemptions, policy: PathPolicy, terms: WaiverTerms
) -> ArtifactReport:
    """Return the verdict by the policy alone with the exceptions of the run.

    A model is waived when an exception covers each of its findings and each of its gaps; one finding left fails it,
    one gap left makes it incomplete.
    """
    covered = {rule: found for rule in _open(report, terms) if (found := _covering(rule, report, exemptions))}
    expired = tuple(_expired_findings(set(_open(report, terms)) - covered.keys(), report, exemptions))
    if not covered and not expired:
        return report
    findings = (*report.findings, *expired)
    verdict = _verdict(
        (finding.rule for finding in findings), (gap.rule for gap in report.not_checked), covered.keys()
    )
    return dataclasses.replace(
        report,
        findings=findings,
        verdict=verdict,
        exemptions=tuple(covered[rule] for rule in sorted(covered)),
        tolerated=verdict is Verdict.INCOMPLETE and policy.incomplete is Consequence.WARN,
    )


def _open(report: ArtifactReport, terms: WaiverTerms) -> tuple[str, ...]:
    """Return the rules that an exception may name: those of findings, and of gaps where the policy lets it."""
    found = [finding.rule for finding in report.findings]
    missing = [gap.rule for gap in report.not_checked] if terms.allow_incomplete else []
    return tuple(dict.fromkeys((*found, *missing)))


def _covering(rule: str, report: ArtifactReport, exemptions: Exemptions) -> Exemption | None:
    waivers = [each for each in exemptions.waivers if each.rule == rule and each.is_of(report)]
    for waiver in waivers:
        if not exemptions.is_expired(waiver) and waiver.covers(report):
            return waiver.exemption
    # Whoever takes a finding out of the baseline and answers for it means the waiver, with its ceiling and its end.
    known = () if waivers else exemptions.baseline
    return next((each.exemption for each in known if each.rule == rule and each.is_of(report)), None)


def _expired_findings(
    rules: Iterable[str], report: ArtifactReport, exemptions: Exemptions
) -> Iterable[Finding]:
    for rule in sorted(rules):
        over = (each for each in exemptions.waivers if each.rule == rule and each.is_of(report))
        latest = max((each for each in over if exemptions.is_expired(each)), key=_end, default=None)
        if latest:
            yield _expired_finding(latest)


def _end(waiver: Waiver) -> str:
    return waiver.expires.isoformat()


def _expired_finding(waiver: Waiver) -> Finding:
    return Finding(
        rule=EXPIRED_WAIVER.id,
        severity=EXPIRED_WAIVER.severity,
        confidence=Confidence.HIGH,
        message=f"The waiver of {waiver.rule} expired on {waiver.expires}. It is {waiver.owner}'s: {waiver.reason} "
        f"({waiver.source})",
        subject=f"waiver:{waiver.rule}",
        remedy="Replace the model; or have its owner look at it again and renew the waiver with `backdoor-gate waive`.",
    )


def _verdict(findings: Iterable[str], gaps: Iterable[str], covered: Iterable[str]) -> Verdict:
    excused = set(covered)
    if set(findings) - excused:
        return Verdict.FAIL
    return Verdict.INCOMPLETE if set(gaps) - excused else Verdict.WAIVED
