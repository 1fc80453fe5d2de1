"""Say what a reader should know of exceptions that do not count, or soon will not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from gate.core.report import ArtifactReport, Verdict
from gate.policy.model import WaiverTerms
from gate.policy.waivers.model import Exemptions, Known, Waiver

_SOON = timedelta(days=14)


def remarks(reports: Iterable[ArtifactReport], exemptions: Exemptions, terms: WaiverTerms) -> tuple[str, ...]:
    """Return notices for the run of these models, exceptions applied, in the order of the files."""
    known = {report.artifact.path: report for report in reports}
    told = [
        text
        for entry in (*exemptions.waivers, *exemptions.baseline)
        for text in _remarks(entry, known.get(entry.path), exemptions, terms)
    ]
    return (*told, *_unseen(known, exemptions))


def _remarks(
    entry: Known, report: ArtifactReport | None, exemptions: Exemptions, terms: WaiverTerms
) -> Iterator[str]:
    if report is None:
        return
    is_used = entry.exemption in report.exemptions
    if is_used and isinstance(entry, Waiver) and entry.expires - exemptions.today <= _SOON:
        yield f"{entry.path}: the waiver of {entry.rule} by {entry.owner} expires on {entry.expires} ({entry.source})."
    why = "" if is_used else _why_not(entry, report, exemptions, terms)
    if why:
        yield f"{entry.path}: {entry.source} does not count: {why}"


def _why_not(entry: Known, report: ArtifactReport, exemptions: Exemptions, terms: WaiverTerms) -> str:
    unscanned = {gap.rule for gap in report.not_checked}
    if entry.rule not in {finding.rule for finding in report.findings} | unscanned:
        is_over = report.verdict in (Verdict.PASS, Verdict.WAIVED)
        return f"the model has no finding of {entry.rule} any more. Remove the entry." if is_over else ""
    if any(each.rule == entry.rule for each in report.exemptions):
        return ""  # another entry does
    if not entry.is_of(report):
        return f"it is bound to another content ({entry.digest[:19]}...). {_changed(entry)}"
    if entry.rule in unscanned and not terms.allow_incomplete:
        return f"{entry.rule} is an incomplete scan, and the policy does not allow that (`waivers.allow_incomplete`)."
    if isinstance(entry, Waiver) and not exemptions.is_expired(entry):
        return f"it allows {entry.excess(report)}."
    return ""  # expired, which is a finding


def _changed(entry: Known) -> str:
    if not entry.digest.startswith("content:"):
        return "The file has changed since."
    return (
        "The network has changed since, or backdoor-gate 0.1 made the digest, which left out the order of weights, shared layers "
        "and the modules of functions: look at the model again, and renew the entry with `backdoor-gate waive`."
    )


def _unseen(known: dict[str, ArtifactReport], exemptions: Exemptions) -> Iterator[str]:
    over = [each for each in exemptions.waivers if exemptions.is_expired(each) and each.path not in known]
    if over:
        places = ", ".join(each.source for each in over[:5]) + (", ..." if len(over) > 5 else "")
        yield f"{len(over)} waiver(s) of models that are not in this run have expired: {places}."
