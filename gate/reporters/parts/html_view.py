"""What the HTML format shows of one model: text that is safe to show, and drawings; the template escapes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gate.core.content import Difference
from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, ScanReport
from gate.core.reproduce import command
from gate.reporters.parts.html_chart import Chart, Meter, chart, meter
from gate.reporters.parts.html_pictures import Pictures, pictures
from gate.reporters.parts.words import (
    NOTHING,
    labels,
    leading_trigger,
    number,
    percent,
    safe,
    size,
)

_LONG = 4096
_MOST_LAYERS = 12

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLink:
    """A rule as a finding names it; `anchor` is "" if this report has no page of it."""

    id: str
    name: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """A finding, or something that was not checked; the latter has neither grade nor remedy.

    Attributes:
        rule: What it is of.
        grade: Severity and confidence.
        message: What it is.
        remedy: What to do.
        exemption: Why it does not count, by whom and until when; "" if it counts.
    """

    rule: RuleLink
    grade: str = ""
    message: str
    remedy: str = ""
    exemption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerView:
    """The trigger to look at.

    Attributes:
        target: Class that stamped images are sent to.
        success: Share of the other images that it sends there.
        l1_norm: Of the mask, px.
        share: Of the picture's pixels.
        is_blamed: Whether there are findings; the smallest trigger of a clean model is no accusation.
        pictures: The trigger.
    """

    target: str
    success: str
    l1_norm: str
    share: str
    is_blamed: bool
    pictures: Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorView:
    """One detector's evidence: its index, or in `state` why there is none."""

    name: str
    meter: Meter | None
    state: str
    facts: Facts
    remark: str
    chart: Chart | None
    numbers: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """One model's verdict with everything that led to it."""

    anchor: str
    verdict: str
    badge: str
    is_open: bool
    path: str
    meter: Meter | None
    targets: str
    size: str
    highlights: Facts
    trigger: TriggerView | None
    findings: tuple[FindingView, ...]
    gaps: tuple[FindingView, ...]
    difference: Facts
    detectors: tuple[DetectorView, ...]
    facts: Facts
    command: str


def model_view(
    entry: ArtifactReport,
    report: ScanReport,
    place: int,
    rules: Mapping[str, RuleLink],
    *,
    is_open: bool,
    is_pictured: bool,
) -> ModelView:
    """Return what to show of a model.

    Args:
        entry: The model.
        report: The run that it is of.
        place: Of the model in the report, from 1.
        rules: By id.
        is_open: Whether it is shown in full at first.
        is_pictured: Whether its trigger is drawn; the pictures are most of a report's size.
    """
    return ModelView(
        anchor=f"model-{place}",
        verdict=entry.verdict.value,
        badge="tolerated" if entry.tolerated else entry.verdict.value,
        is_open=is_open,
        path=safe(entry.artifact.path, _LONG),
        meter=meter(entry.anomaly_index),
        targets=labels(entry.target_labels),
        size=size(entry.artifact.size),
        highlights=tuple(_highlights(entry)),
        trigger=_trigger(entry) if is_pictured else None,
        findings=tuple(_finding(finding, entry, rules) for finding in entry.findings),
        gaps=tuple(_gap(gap, entry, rules) for gap in entry.not_checked),
        difference=tuple(_difference(entry.difference, entry.evidence)) if entry.difference else (),
        detectors=tuple(map(_detector, entry.evidence)),
        facts=tuple(_facts(entry)),
        command=safe(command(report, [entry]), _LONG),
    )


def _highlights(entry: ArtifactReport) -> Iterable[tuple[str, str]]:
    if entry.target_labels:
        yield "Target class", labels(entry.target_labels)
    if entry.score is not None:
        yield "Backdoor probability", percent(entry.score)
    trigger = leading_trigger(entry)
    if trigger:
        yield "Trigger", f"{number(trigger.l1_norm, 1)} px"
        yield "Success", percent(trigger.attack_success_rate)


def _trigger(entry: ArtifactReport) -> TriggerView | None:
    trigger = leading_trigger(entry)
    drawn = pictures(trigger) if trigger else None
    if trigger is None or drawn is None:
        return None
    return TriggerView(
        target=trigger.destination,
        success=percent(trigger.attack_success_rate),
        l1_norm=f"{number(trigger.l1_norm, 1)} px",
        share=percent(trigger.l1_norm / (drawn.width * drawn.height)),
        is_blamed=bool(entry.findings),
        pictures=drawn,
    )


def _finding(finding: Finding, entry: ArtifactReport, rules: Mapping[str, RuleLink]) -> FindingView:
    return FindingView(
        rule=_link(finding.rule, rules),
        grade=f"{finding.severity}, {finding.confidence} confidence",
        message=safe(finding.message),
        remedy=safe(finding.remedy),
        exemption=_exemption(finding.rule, entry),
    )


def _gap(gap: Gap, entry: ArtifactReport, rules: Mapping[str, RuleLink]) -> FindingView:
    return FindingView(
        rule=_link(gap.rule, rules), message=safe(gap.message), exemption=_exemption(gap.rule, entry)
    )


def _exemption(rule: str, entry: ArtifactReport) -> str:
    return safe(str(entry.exemption(rule) or ""), 2000)


def _link(rule: str, rules: Mapping[str, RuleLink]) -> RuleLink:
    return rules.get(rule) or RuleLink(id=safe(rule), name="", anchor="")


def _detector(evidence: Evidence) -> DetectorView:
    is_measured = evidence.status is Status.MEASURED
    remark = evidence.inconclusive if is_measured else evidence.reason
    return DetectorView(
        name=safe(evidence.detector),
        meter=meter(evidence.anomaly_index),
        state="" if is_measured else evidence.status.value,
        facts=tuple(_evidence_facts(evidence)),
        remark=f"Inconclusive: {safe(remark)}" if is_measured and remark else safe(remark),
        chart=chart(evidence),
        numbers=tuple(_numbers(evidence)),
    )


def _numbers(evidence: Evidence) -> Iterable[tuple[str, str]]:
    """Yield what was measured once; what was measured of many classes is in the chart and in the JSON report."""
    often = Counter(m.name for m in evidence.measurements)
    for m in evidence.measurements:
        if m.label is None or often[m.name] == 1:
            name = m.name.replace("_", " ") + ("" if m.label is None else f", class {m.label}")
            yield safe(name), f"{m.value:.4g} {safe(m.unit)}".rstrip()


def _evidence_facts(evidence: Evidence) -> Iterable[tuple[str, str]]:
    if evidence.paper_statistic is not None:
        yield "paper's statistic", number(evidence.paper_statistic)
    if evidence.target_labels:
        yield "class", labels(evidence.target_labels)
    if evidence.trigger:
        yield "trigger", f"{number(evidence.trigger.l1_norm, 1)} px"
        yield "success", percent(evidence.trigger.attack_success_rate)


def _difference(difference: Difference, evidence: Iterable[Evidence]) -> Iterable[tuple[str, str]]:
    for name, layers in (
        ("Changed weights in", difference.changed_layers),
        ("New layers", difference.added_layers),
        ("Removed layers", difference.removed_layers),
    ):
        if layers:
            yield name, _layers(layers)
    yield "Architecture", "differs" if difference.is_architecture_changed else "the same"
    yield "Anomaly index there", number(difference.base_anomaly_index)
    for each in evidence:
        before = difference.base_index(each.detector)
        if before is not None:
            yield f"by {safe(each.detector)}", f"{number(before)} there, {number(each.anomaly_index)} here"
    yield "SHA-256 of the file there", safe(difference.base_sha256) or NOTHING


def _layers(names: tuple[str, ...]) -> str:
    rest = len(names) - _MOST_LAYERS
    return ", ".join(map(safe, names[:_MOST_LAYERS])) + (f" +{rest}" if rest > 0 else "")


def _facts(entry: ArtifactReport) -> Iterable[tuple[str, str]]:
    artifact, model = entry.artifact, entry.model
    yield "SHA-256", safe(artifact.sha256) or NOTHING
    if entry.content_sha256:
        yield "SHA-256 of the network, however saved", safe(entry.content_sha256)
    yield "File", f"{artifact.format.value}, {size(artifact.size)}"
    if model:
        low, high = model.input_range
        yield "Input", f"{' × '.join(map(str, model.input_shape))}, {low:g} to {high:g}"  # noqa: RUF001 - a sign of multiplication
        yield "Input range by", safe(model.input_range_source) or NOTHING
        yield "Output", f"{model.num_classes} classes, {safe(model.head)}"
        yield "Parameters", f"{model.parameters:,}"
        yield "Images searched on", safe(model.images)
        yield "Keras, as the file claims", safe(model.keras_version) or NOTHING
        if model.loaded_by_keras:
            yield "Loaded by Keras itself", safe(model.loaded_by_keras)
        if model.effort:
            yield "The budget left time for", safe(model.effort)
    if entry.seconds:
        yield "Scanned in", f"{entry.seconds:.1f} s"
    if entry.is_cached:
        yield "Measured", "by an earlier run; taken from the verdict cache"
