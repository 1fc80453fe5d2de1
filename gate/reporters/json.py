"""The JSON report: the contract with other programs, described by schemas/report-1.0.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Unpack, cast

from gate.core.errors import UsageError
from gate.core.report import ArtifactReport, ScanReport
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
            "policy": records.to_node(report.policy),
            "profile": report.profile,
            "seed": report.seed,
            "sandbox": report.sandbox,
            "notices": list(report.notices),
            "artifacts": [_artifact(e) for e in sorted(report.artifacts, key=lambda e: e.artifact.path)],
            **{name: records.to_node(stamp) for name, stamp in report.exceptions},
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
    told = records.to_node(entry)
    for finding, node in zip(entry.findings, told["findings"], strict=True):
        node["fingerprint"] = finding.fingerprint(entry.artifact.path)
    optional = {key: told.pop(key) for key in records.OPTIONAL if key in told}
    return {**optional, **told.pop("artifact"), **told}
