"""Rebuild the records of a report from JSON that the schema has already accepted."""

from __future__ import annotations

import base64
from typing import Any

from gate.core.artifact import Artifact, ModelFormat
from gate.core.content import BaseIndex, Difference
from gate.core.evidence import Evidence, Measurement, Status, Suspects, SuspectSample, Trigger
from gate.core.exemption import Exemption, Ground
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, ModelFacts, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Confidence, Severity

# Any: the schema has checked every type; naming them here again would say the same twice.
Node = dict[str, Any]


def scan_report(node: Node) -> ScanReport:
    """Return the report that a document holds.

    Raises:
        ValueError: A record refuses a value.
        OverflowError: A number is too large for a float.
    """
    return ScanReport(
        version=node["version"],
        policy=PolicyStamp(sha256=node["policy"]["sha256"], source=node["policy"]["source"]),
        profile=node["profile"],
        seed=int(node["seed"]),
        artifacts=tuple(_artifact_report(child) for child in node["artifacts"]),
        notices=tuple(node["notices"]),
        sandbox=node.get("sandbox", ""),  # reports of earlier versions lack it
        waivers=_stamp(node.get("waivers")),
        baseline=_stamp(node.get("baseline")),
    )


def _stamp(node: Node | None) -> PolicyStamp | None:
    return None if node is None else PolicyStamp(sha256=node["sha256"], source=node["source"])


def _artifact_report(node: Node) -> ArtifactReport:
    model = node["model"]
    return ArtifactReport(
        artifact=Artifact(
            path=node["path"],
            sha256=node["sha256"],
            size=int(node["size"]),
            format=ModelFormat(node["format"]),
        ),
        verdict=Verdict(node["verdict"]),
        tolerated=node["tolerated"],
        score=_optional(node["score"]),
        anomaly_index=_optional(node["anomaly_index"]),
        target_labels=_integers(node["target_labels"]),
        seconds=float(node["seconds"]),
        model=_model(model) if model else None,
        not_checked=tuple(_gap(text) for text in node["not_checked"]),
        evidence=tuple(_evidence(child) for child in node["evidence"]),
        findings=tuple(_finding(child) for child in node["findings"]),
        content_sha256=node.get("content_sha256", ""),
        is_cached=node.get("cached", False),
        difference=_difference(node["difference"]) if "difference" in node else None,
        exemptions=tuple(_exemption(child) for child in node.get("waived_by", ())),
    )


def _difference(node: Node) -> Difference:
    return Difference(
        base_sha256=node["base_sha256"],
        base_anomaly_index=_optional(node["base_anomaly_index"]),
        base_indices=tuple(
            BaseIndex(detector=each["detector"], anomaly_index=float(each["anomaly_index"]))
            for each in node.get("base_evidence", ())
        ),
        is_architecture_changed=node["architecture_changed"],
        changed_layers=tuple(node["changed_layers"]),
        added_layers=tuple(node["added_layers"]),
        removed_layers=tuple(node["removed_layers"]),
    )


def _exemption(node: Node) -> Exemption:
    return Exemption(
        rule=node["rule"],
        ground=Ground(node["ground"]),
        source=node["source"],
        reason=node["reason"],
        owner=node["owner"],
        expires=node["expires"],
    )


def _model(node: Node) -> ModelFacts:
    height, width, channels = _integers(node["input_shape"])
    low, high = node["input_range"]
    return ModelFacts(
        input_shape=(height, width, channels),
        num_classes=int(node["num_classes"]),
        parameters=int(node["parameters"]),
        head=node["head"],
        input_range=(float(low), float(high)),
        input_range_source=node["input_range_source"],
        images=node["images"],
        keras_version=node["keras_version"],
        # Reports of earlier versions lack these.
        backend=node.get("backend", ""),
        saved_at=node.get("saved_at", ""),
        has_optimizer_state=node.get("has_optimizer_state", False),
        loaded_by_keras=node.get("loaded_by_keras", ""),
        is_refused_by_keras=node.get("refused_by_keras", False),
    )


def _gap(text: str) -> Gap:
    rule, _, message = text.partition(": ")
    return Gap(rule=rule, message=message)


def _evidence(node: Node) -> Evidence:
    trigger, suspects = node["trigger"], node.get("suspects")  # reports of earlier versions lack the second
    return Evidence(
        detector=node["detector"],
        rule=node["rule"],
        status=Status(node["status"]),
        anomaly_index=_optional(node["anomaly_index"]),
        paper_statistic=_optional(node["paper_statistic"]),
        target_labels=_integers(node["target_labels"]),
        reason=node["reason"],
        inconclusive=node["inconclusive"],
        measurements=tuple(_measurement(child) for child in node["measurements"]),
        trigger=_trigger(trigger) if trigger else None,
        suspects=_suspects(suspects) if suspects else None,
        remark=node.get("remark", ""),
    )


def _measurement(node: Node) -> Measurement:
    label = node["label"]
    return Measurement(
        name=node["name"],
        value=float(node["value"]),
        unit=node["unit"],
        label=None if label is None else int(label),
    )


def _trigger(node: Node) -> Trigger:
    return Trigger(
        target_label=None if node["target_label"] is None else int(node["target_label"]),
        l1_norm=float(node["l1_norm"]),
        attack_success_rate=float(node["attack_success_rate"]),
        mask_png=base64.b64decode(node["mask_png"], validate=True),
        pattern_png=base64.b64decode(node["pattern_png"], validate=True),
        examples_png=base64.b64decode(node.get("examples_png", ""), validate=True),
        files=tuple(node["files"]),
    )


def _suspects(node: Node) -> Suspects:
    return Suspects(
        count=int(node["count"]),
        samples=tuple(
            SuspectSample(
                index=int(each["index"]),
                file=each["file"],
                label=int(each["label"]),
                score=float(each["score"]),
            )
            for each in node["samples"]
        ),
        sheet_png=base64.b64decode(node["sheet_png"], validate=True),
        files=tuple(node["files"]),
    )


def _finding(node: Node) -> Finding:
    return Finding(
        rule=node["rule"],
        severity=Severity(node["severity"]),
        confidence=Confidence(node["confidence"]),
        message=node["message"],
        detector=node["detector"],
        subject=node["subject"],
        remedy=node["remedy"],
    )


def _optional(value: float | None) -> float | None:
    return None if value is None else float(value)


def _integers(values: list[float]) -> tuple[int, ...]:
    # JSON Schema counts 1.0 as an integer; Python does not.
    return tuple(int(value) for value in values)
