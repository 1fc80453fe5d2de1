"""The sentences and numbers that several formats share."""

from __future__ import annotations

from collections.abc import Iterable

from gate.core.evidence import Evidence, Status, Suspects, Trigger
from gate.core.report import ArtifactReport, ExitCode, ScanReport, Verdict
from gate.core.text import harmless

NOTHING = "-"

safe = harmless

_ORDER = (Verdict.FAIL, Verdict.INCOMPLETE, Verdict.WAIVED, Verdict.PASS)
_PAST = {
    Verdict.FAIL: "failed",
    Verdict.INCOMPLETE: "incomplete",
    Verdict.WAIVED: "waived",
    Verdict.PASS: "passed",
}
_TOLERATED = "incomplete but tolerated"
_MEANING = {
    ExitCode.PASS: "every model was scanned in full and passed",
    ExitCode.FINDINGS: "a finding fails the policy",
    ExitCode.INCOMPLETE: "a model could not be scanned in full, so it does not pass",
}


def stops_run(entry: ArtifactReport) -> bool:
    """Tell whether this model alone makes the run's exit code differ from 0."""
    return entry.verdict is Verdict.FAIL or (entry.verdict is Verdict.INCOMPLETE and not entry.tolerated)


def ranked(report: ScanReport) -> tuple[ArtifactReport, ...]:
    """Return the models, those first that a reader must act on."""
    return tuple(
        sorted(
            report.artifacts,
            key=lambda entry: (
                _ORDER.index(entry.verdict),
                entry.tolerated,
                -(entry.anomaly_index or 0.0),
                entry.artifact.path,
            ),
        )
    )


def tally(report: ScanReport) -> tuple[str, ...]:
    """Return the count of each verdict that occurs, such as ("1 failed", "3 passed")."""
    words = [_TOLERATED if entry.tolerated else _PAST[entry.verdict] for entry in report.artifacts]
    order = ("failed", "incomplete", _TOLERATED, "waived", "passed")
    return tuple(f"{words.count(word)} {word}" for word in order if word in words) or ("no models",)


def meaning(report: ScanReport) -> str:
    """Return what the run's exit code means, without a full stop."""
    if not report.artifacts:
        return "there was no model to scan"
    if report.exit_code is ExitCode.PASS and any(e.verdict is not Verdict.PASS for e in report.artifacts):
        return "nothing fails the policy, which allows what is waived or incomplete"
    if report.exit_code is ExitCode.PASS and report.profile == "static":
        return "every model passed the static checks; no detector ran"
    return _MEANING[report.exit_code]


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with fixed decimals, or a dash for None."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def percent(share: float) -> str:
    """Return a share of 0..1 as per cent; only a full share reads as 100 %."""
    rounded = f"{100 * share:.1f}"
    return "99.9 %" if rounded == "100.0" and share < 1 else f"{rounded} %"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def labels(targets: Iterable[int], limit: int = 3) -> str:
    """Return target labels as "3, 7", with the rest counted beyond `limit`; a dash for none."""
    all_of_them = tuple(targets)
    shown = ", ".join(str(label) for label in all_of_them[:limit])
    rest = len(all_of_them) - limit
    return f"{shown} +{rest}" if rest > 0 else shown or NOTHING


def trigger_words(trigger: Trigger) -> str:
    """Return what is known of a trigger as half a sentence."""
    return (
        f"a trigger of {number(trigger.l1_norm, 1)} px sends {percent(trigger.attack_success_rate)} "
        f"of the other images to {trigger.destination}"
    )


def suspects_words(suspects: Suspects) -> str:
    """Return how many samples are suspected and where they are listed, as half a sentence."""
    listed = f", see {safe(suspects.files[0])} and the pictures beside it" if suspects.files else ""
    return f"{suspects.count} samples look poisoned{listed}"


def evidence_words(evidence: Evidence) -> str:
    """Return one detector's evidence as one line without a full stop."""
    name = safe(evidence.detector)
    if evidence.status is not Status.MEASURED:
        return f"{name}: {evidence.status}, {safe(evidence.reason)}"
    parts = [f"anomaly index {number(evidence.anomaly_index)}"]
    if evidence.paper_statistic is not None:
        parts.append(f"the paper's statistic {number(evidence.paper_statistic)}")
    if evidence.target_labels:
        parts.append(f"target class {labels(evidence.target_labels)}")
    if evidence.trigger:
        parts.append(trigger_words(evidence.trigger))
    if evidence.suspects:
        parts.append(suspects_words(evidence.suspects))
    if evidence.remark:
        parts.append(safe(evidence.remark))
    if evidence.inconclusive:
        parts.append(f"inconclusive: {safe(evidence.inconclusive)}")
    return f"{name}: {'; '.join(parts)}"


def leading_trigger(entry: ArtifactReport) -> Trigger | None:
    """Return the trigger of the most anomalous evidence that has a picture of one."""
    pictured = [e for e in entry.evidence if e.trigger and e.trigger.mask_png]
    strongest = max(pictured, key=lambda e: e.anomaly_index or 0.0, default=None)
    return strongest.trigger if strongest else None
