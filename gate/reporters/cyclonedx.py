"""CycloneDX 1.6: a bill of materials of the models, with what the scan measured in their model cards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from gate.core.evidence import Status
from gate.core.report import ArtifactReport, ModelFacts, ScanReport
from gate.core.rule import Rule
from gate.reporters.parts.json_text import Json, dump
from gate.reporters.parts.look import Look

_PREFIX = "backdoor-gate:"


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the bill as JSON. It has neither a serial number nor a time: the same run gives the same bytes."""
    names = {rule.id: rule.name for rule in rules}
    entries = sorted(report.artifacts, key=lambda entry: entry.artifact.path)
    return dump(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "tools": {
                    "components": [
                        {"type": "application", "name": "backdoor-gate", "version": report.version}
                    ]
                },
                "properties": _properties(_terms(report)),
            },
            "components": [_component(entry, names) for entry in entries],
        }
    )


def _terms(report: ScanReport) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict.value
    yield "policy", report.policy.source
    yield "policy-sha256", report.policy.sha256
    for name, stamp in report.exceptions:
        yield name, stamp.source
        yield f"{name}-sha256", stamp.sha256
    yield "profile", report.profile
    yield "seed", str(report.seed)
    if report.sandbox:
        yield "sandbox", report.sandbox
    for notice in report.notices:
        yield "notice", notice


def _component(entry: ArtifactReport, names: dict[str, str]) -> Json:
    artifact = entry.artifact
    component: dict[str, Json] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{artifact.path}",
        "name": artifact.path,
    }
    if artifact.sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": artifact.sha256}]
    card = _card(entry)
    if card:
        component["modelCard"] = card
    component["properties"] = _properties(_facts(entry, names))
    return component


def _card(entry: ArtifactReport) -> dict[str, Json]:
    card: dict[str, Json] = {}
    if entry.model:
        card["modelParameters"] = _parameters(entry.model)
    metrics: list[Json] = [
        {"type": "anomaly_index", "slice": each.detector, "value": f"{each.anomaly_index:.6g}"}
        for each in entry.evidence
        if each.anomaly_index is not None
    ]
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _parameters(facts: ModelFacts) -> Json:
    shape = "x".join(str(side) for side in facts.input_shape)
    return {
        "task": "image classification",
        "inputs": [{"format": f"image {shape}, {facts.input_range[0]:g}..{facts.input_range[1]:g}"}],
        "outputs": [{"format": f"{facts.num_classes} {facts.head}"}],
    }


def _facts(entry: ArtifactReport, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "verdict", entry.verdict.value
    yield "format", entry.artifact.format.value
    if entry.content_sha256:
        yield "content-sha256", entry.content_sha256
    if entry.score is not None:
        yield "backdoor-probability", f"{entry.score:.6g}"
    for each in entry.evidence:
        yield (
            f"detector:{each.detector}",
            each.status.value if each.status is Status.MEASURED else each.reason,
        )
    for finding in entry.findings:
        yield "finding", f"{finding.rule} {names.get(finding.rule, '')}".rstrip() + f": {finding.message}"
    for gap in entry.not_checked:
        yield "not-checked", str(gap)
    for exemption in entry.exemptions:
        yield "exempt", f"{exemption.rule}: {exemption}"


def _properties(pairs: Iterator[tuple[str, str]]) -> list[Json]:
    return [{"name": _PREFIX + name, "value": value} for name, value in pairs]
