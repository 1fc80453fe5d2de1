"""SARIF 2.1.0 for GitHub code scanning and other viewers of static analysis.

It informs; it does not block. Code scanning checks a pull request only where a changed line is, and a model file
has none: what stops a merge is the exit code.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from typing import Unpack
from urllib.parse import quote

from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import Evidence, Status
from gate.core.exemption import Ground
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, ExitCode, ScanReport, Verdict
from gate.core.rule import Rule
from gate.reporters.parts.concerns import Concern, concerns
from gate.reporters.parts.json_text import Json, dump
from gate.reporters.parts.look import Look
from gate.reporters.parts.sarif_rules import driver, taxonomies
from gate.reporters.parts.words import evidence_words, meaning, safe, stops_run

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_MOST_RESULTS = 25_000  # code scanning refuses the whole file beyond
_MIME_TYPES = {
    ModelFormat.HDF5: "application/x-hdf5",
    ModelFormat.KERAS_ZIP: "application/zip",
    ModelFormat.TENSORFLOW_GRAPH: "application/x-protobuf",
    ModelFormat.LFS_POINTER: "text/plain",
    ModelFormat.DVC_POINTER: "text/plain",
    ModelFormat.UNKNOWN: "application/octet-stream",
}


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the report as one SARIF run; a clean run has empty `results`, so that old alerts close."""
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report, rules)]})


def _run(report: ScanReport, rules: Sequence[Rule]) -> Json:
    # No automationDetails: they would win over the category that the upload step names.
    entries = sorted(report.artifacts, key=lambda entry: entry.artifact.path)
    places = {entry.artifact.path: index for index, entry in enumerate(entries)}
    order = {rule.id: index for index, rule in enumerate(rules)}
    told = concerns(report, rules)
    return {
        "tool": {"driver": driver(rules, report.version)},
        "taxonomies": taxonomies(rules),
        "invocations": [_invocation(report, told, places)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "artifacts": [_artifact(entry.artifact) for entry in entries],
        "results": [
            _result(concern, order, places, has_baseline=report.baseline is not None)
            for concern in told[:_MOST_RESULTS]
        ],
        "properties": {
            "verdict": report.verdict.value,
            "profile": report.profile,
            "seed": report.seed,
            "policySha256": report.policy.sha256,
            "policySource": safe(report.policy.source),
            "sandbox": safe(report.sandbox),
            **_exceptions(report),
        },
    }


def _exceptions(report: ScanReport) -> dict[str, Json]:
    named: dict[str, Json] = {}
    for name, stamp in report.exceptions:
        named |= {f"{name}Sha256": stamp.sha256, f"{name}Source": safe(stamp.source)}
    return named


def _invocation(report: ScanReport, told: Sequence[Concern], places: dict[str, int]) -> Json:
    gaps = [_notification(concern, places) for concern in told if concern.is_gap]
    notices = [_text(notice) for notice in report.notices]
    if len(told) > _MOST_RESULTS:
        notices.append(f"{len(told) - _MOST_RESULTS} results are left out; the JSON report has them all.")
    notes: list[Json] = [{"level": "note", "message": {"text": notice}} for notice in notices]
    return {
        "executionSuccessful": not any(
            stops_run(entry) and entry.verdict is Verdict.INCOMPLETE for entry in report.artifacts
        ),
        "exitCode": int(report.exit_code),
        "exitCodeDescription": _exit_words(report),
        "toolExecutionNotifications": gaps + notes,
    }


def _exit_words(report: ScanReport) -> str:
    return f"{ExitCode(report.exit_code).name.lower()}: {meaning(report)}"


def _notification(gap: Concern, places: dict[str, int]) -> Json:
    return {
        "level": gap.level.value,
        "message": {"text": _text(gap.finding.message)},
        "associatedRule": {"id": gap.finding.rule},
        "locations": [{"physicalLocation": _place(gap.entry.artifact.path, places)}],
    }


def _artifact(artifact: Artifact) -> Json:
    described: dict[str, Json] = {
        "location": _location(artifact.path),
        "length": artifact.size,
        "mimeType": _MIME_TYPES[artifact.format],
        "roles": ["analysisTarget"],
    }
    if artifact.sha256:
        described["hashes"] = {"sha-256": artifact.sha256}
    return described


def _result(concern: Concern, order: dict[str, int], places: dict[str, int], *, has_baseline: bool) -> Json:
    finding, entry = concern.finding, concern.entry
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "level": concern.level.value,
        "message": {"text": _message(concern)},
        "locations": [_where(concern, places)],
        "partialFingerprints": _fingerprints(concern),
        "properties": _numbers(finding, entry),
    }
    if finding.rule in order:
        result["ruleIndex"] = order[finding.rule]
    if concern.exemption:
        why = _text(str(concern.exemption))
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    if has_baseline:
        is_known = concern.exemption is not None and concern.exemption.ground is Ground.BASELINE
        result["baselineState"] = "unchanged" if is_known else "new"
    return result


def _message(concern: Concern) -> str:
    finding = concern.finding
    parts = [_text(finding.message)]
    if finding.remedy:
        parts.append(_text(finding.remedy))
    parts += [f"Evidence: {_text(evidence_words(e))}." for e in _evidence_of(finding, concern.entry)]
    return " ".join(parts)


def _text(text: str) -> str:
    # `[words](target)` in a message is a link; a layer's name shall not place one.
    return safe(text).replace("](", "] (")


def _evidence_of(finding: Finding, entry: ArtifactReport) -> tuple[Evidence, ...]:
    return tuple(e for e in entry.evidence if e.detector == finding.detector and e.status is Status.MEASURED)


def _where(concern: Concern, places: dict[str, int]) -> Json:
    # No region: given a line, GitHub's upload step reads and hashes the whole model as text, which costs a
    # minute and 600 MB of memory for a model of 400 MB. Without one the alert stands for the whole file.
    where: dict[str, Json] = {"physicalLocation": _place(concern.entry.artifact.path, places)}
    if concern.finding.subject:
        subject = _text(concern.finding.subject)
        where["logicalLocations"] = [{"name": subject, "fullyQualifiedName": subject, "kind": "element"}]
    return where


def _place(path: str, places: dict[str, int]) -> Json:
    return {"artifactLocation": {**_location(path), "index": places[path]}}


def _location(path: str) -> dict[str, Json]:
    encoded = quote(_bytes(posixpath.normpath(path)))
    # Only a relative path has a place in the repository.
    return {"uri": f"file://{encoded}"} if path.startswith("/") else {"uri": encoded, "uriBaseId": _ROOT}


def _bytes(path: str) -> bytes:
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")


def _fingerprints(concern: Concern) -> Json:
    # The first, which GitHub follows, outlives a retraining; the second names these very bytes.
    bound = f"{concern.fingerprint}\0{concern.entry.artifact.sha256}\0{concern.occurrence}"
    return {
        "primaryLocationLineHash": f"{concern.fingerprint}:{concern.occurrence}",
        "modelDigestHash/v1": hashlib.sha256(bound.encode()).hexdigest()[:32],
    }


def _numbers(finding: Finding, entry: ArtifactReport) -> Json:
    numbers: dict[str, Json] = {
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "verdict": entry.verdict.value,
        "modelSha256": entry.artifact.sha256,
        "targetLabels": list(entry.target_labels),
    }
    numbers |= _present(score=entry.score, anomalyIndex=entry.anomaly_index)
    for evidence in _evidence_of(finding, entry):
        numbers |= {"detector": safe(evidence.detector)}
        numbers |= _present(
            detectorAnomalyIndex=evidence.anomaly_index, paperStatistic=evidence.paper_statistic
        )
        if evidence.trigger:
            numbers |= {
                "triggerL1Norm": evidence.trigger.l1_norm,
                "attackSuccessRate": evidence.trigger.attack_success_rate,
            }
    return numbers


def _present(**numbers: float | None) -> dict[str, Json]:
    # GitHub's upload step refuses a file that has a null where the schema knows none.
    return {name: value for name, value in numbers.items() if value is not None}
