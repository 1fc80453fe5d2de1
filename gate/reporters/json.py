"""The JSON report: the contract with other programs, described by schemas/report-1.0.json."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Unpack, cast

from gate.core.content import Difference
from gate.core.errors import UsageError
from gate.core.evidence import Evidence, Measurement, Suspects, Trigger
from gate.core.exemption import Exemption
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, ModelFacts, ScanReport
from gate.core.rule import Rule
from gate.reporters.parts import records
from gate.reporters.parts.json_text import Json, dump
from gate.reporters.parts.look import Look

SCHEMA_VERSION = "1.0"
_HINT = "give a file that `backdoor-gate check --output json=FILE` wrote"


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the report as JSON; `parse` reads it back."""
    return dump(
        {
            "schema_version": SCHEMA_VERSION,
            "tool": "backdoor-gate",
            "version": report.version,
            "verdict": report.verdict.value,
            "exit_code": int(report.exit_code),
            "policy": {"sha256": report.policy.sha256, "source": report.policy.source},
            "profile": report.profile,
            "seed": report.seed,
            "sandbox": report.sandbox,
            "notices": list(report.notices),
            "artifacts": [_artifact(e) for e in sorted(report.artifacts, key=lambda e: e.artifact.path)],
            **{name: {"sha256": stamp.sha256, "source": stamp.source} for name, stamp in report.exceptions},
        }
    )


@cache
def schema() -> dict[str, Json]:
    """Return the JSON Schema (Draft 2020-12) of the report."""
    path = Path(__file__).parent / "schemas" / f"report-{SCHEMA_VERSION}.json"
    return cast("dict[str, Json]", json.loads(path.read_text("utf-8")))


def parse(text: str) -> ScanReport:
    """Read a report back; numbers come back as they were rounded.

    Args:
        text: What `render` returned. It may have been tampered with: it is checked against the schema.

    Raises:
        UsageError: It is no report, of another schema version, or contradicts itself.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"report: expected JSON, received {error}", hint=_HINT) from error
    _check_schema(document)
    try:
        report = records.scan_report(document)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"report: {error}", hint=_HINT) from error
    _check_verdict(document, report)
    return report


def _check_schema(document: object) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"report: schema_version: expected {SCHEMA_VERSION!r}, received {version!r}", hint=_HINT
        )
    error = best_match(Draft202012Validator(schema()).iter_errors(document))
    if error is not None:
        # The message quotes the instance, which may be a picture of a megabyte.
        raise UsageError(f"report: {error.json_path}: {error.message[:300]}", hint=_HINT)


def _check_verdict(document: dict[str, Json], report: ScanReport) -> None:
    for key, expected in (("verdict", report.verdict.value), ("exit_code", int(report.exit_code))):
        if document[key] != expected:
            raise UsageError(
                f"report: {key}: expected {expected!r}, as its artifacts say, received {document[key]!r}",
                hint="the file was edited; scan again",
            )


def _artifact(entry: ArtifactReport) -> Json:
    artifact = entry.artifact
    return _optional(entry) | {
        "path": artifact.path,
        "sha256": artifact.sha256,
        "size": artifact.size,
        "format": artifact.format.value,
        "verdict": entry.verdict.value,
        "tolerated": entry.tolerated,
        "score": entry.score,
        "anomaly_index": entry.anomaly_index,
        "target_labels": list(entry.target_labels),
        "seconds": float(entry.seconds),
        "model": _model(entry.model) if entry.model else None,
        "not_checked": [str(gap) for gap in entry.not_checked],
        "evidence": [_evidence(evidence) for evidence in entry.evidence],
        "findings": [_finding(finding, artifact.path) for finding in entry.findings],
    }


def _exemption(exemption: Exemption) -> Json:
    return {
        "rule": exemption.rule,
        "ground": exemption.ground.value,
        "source": exemption.source,
        "reason": exemption.reason,
        "owner": exemption.owner,
        "expires": exemption.expires,
    }


def _optional(entry: ArtifactReport) -> dict[str, Json]:
    """Return what is told only where there is something to tell."""
    told: dict[str, Json] = {}
    if entry.content_sha256:
        told["content_sha256"] = entry.content_sha256
    if entry.is_cached:
        told["cached"] = True
    if entry.difference:
        told["difference"] = _difference(entry.difference)
    if entry.exemptions:
        told["waived_by"] = [_exemption(each) for each in entry.exemptions]
    return told


def _difference(difference: Difference) -> Json:
    indices: list[Json] = [
        {"detector": each.detector, "anomaly_index": each.anomaly_index} for each in difference.base_indices
    ]
    return {
        "base_sha256": difference.base_sha256,
        "base_anomaly_index": difference.base_anomaly_index,
        "architecture_changed": difference.is_architecture_changed,
        "changed_layers": list(difference.changed_layers),
        "added_layers": list(difference.added_layers),
        "removed_layers": list(difference.removed_layers),
        **({"base_evidence": indices} if indices else {}),
    }


def _model(facts: ModelFacts) -> Json:
    return {
        "input_shape": list(facts.input_shape),
        "num_classes": facts.num_classes,
        "parameters": facts.parameters,
        "head": facts.head,
        "input_range": [float(bound) for bound in facts.input_range],
        "input_range_source": facts.input_range_source,
        "images": facts.images,
        "keras_version": facts.keras_version,
        "backend": facts.backend,
        "saved_at": facts.saved_at,
        "has_optimizer_state": facts.has_optimizer_state,
        "loaded_by_keras": facts.loaded_by_keras,
        "refused_by_keras": facts.is_refused_by_keras,
    }


def _evidence(evidence: Evidence) -> Json:
    suspects = {"suspects": _suspects(evidence.suspects)} if evidence.suspects else {}
    remark: dict[str, Json] = {"remark": evidence.remark} if evidence.remark else {}
    return {
        "detector": evidence.detector,
        "rule": evidence.rule,
        "status": evidence.status.value,
        "anomaly_index": evidence.anomaly_index,
        "paper_statistic": evidence.paper_statistic,
        "target_labels": list(evidence.target_labels),
        "reason": evidence.reason,
        "inconclusive": evidence.inconclusive,
        "measurements": [_measurement(measurement) for measurement in evidence.measurements],
        "trigger": _trigger(evidence.trigger) if evidence.trigger else None,
        **suspects,
        **remark,
    }


def _measurement(measurement: Measurement) -> Json:
    return {
        "name": measurement.name,
        "value": float(measurement.value),
        "unit": measurement.unit,
        "label": measurement.label,
    }


def _trigger(trigger: Trigger) -> Json:
    picture = base64.b64encode(trigger.examples_png).decode("ascii")
    examples: dict[str, Json] = {"examples_png": picture} if picture else {}
    return {
        "target_label": trigger.target_label,
        "l1_norm": float(trigger.l1_norm),
        "attack_success_rate": float(trigger.attack_success_rate),
        "files": list(trigger.files),
        "mask_png": base64.b64encode(trigger.mask_png).decode("ascii"),
        "pattern_png": base64.b64encode(trigger.pattern_png).decode("ascii"),
        **examples,
    }


def _suspects(suspects: Suspects) -> Json:
    return {
        "count": suspects.count,
        "files": list(suspects.files),
        "samples": [
            {"index": each.index, "file": each.file, "label": each.label, "score": float(each.score)}
            for each in suspects.samples
        ],
        "sheet_png": base64.b64encode(suspects.sheet_png).decode("ascii"),
    }


def _finding(finding: Finding, path: str) -> Json:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "detector": finding.detector,
        "subject": finding.subject,
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint(path),
    }
