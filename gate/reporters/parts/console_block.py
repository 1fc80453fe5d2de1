"""The console format's block on one model."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gate.core.exemption import Exemption
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Verdict
from gate.core.scale import LIMIT
from gate.reporters.parts.console_evidence import class_tables, detectors, portrait
from gate.reporters.parts.console_summary import VERDICT_STYLES
from gate.reporters.parts.glyphs import Glyphs
from gate.reporters.parts.words import labels, number, percent, safe, size

_BADGE = 12
_METER = 20
_WIDE = 96
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


def is_brief(entry: ArtifactReport, *, verbose: bool) -> bool:
    """Tell whether the block on this model is two lines."""
    return entry.verdict is Verdict.PASS and not entry.findings and not entry.not_checked and not verbose


def block(
    entry: ArtifactReport, names: dict[str, str], glyphs: Glyphs, *, width: int, color: bool, verbose: bool
) -> RenderableType:
    """Return what there is to tell of one model: two lines if it passes, the evidence if it does not."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_BADGE)
    grid.add_column(overflow="fold")
    grid.add_row(_badge(entry.verdict), Group(*_head(entry, glyphs, brief=is_brief(entry, verbose=verbose))))
    told = [
        *(_finding(f, entry.exemption(f.rule), names, glyphs) for f in entry.findings),
        *_gaps(entry, names, glyphs),
    ]
    shows_evidence = verbose or entry.verdict in (Verdict.FAIL, Verdict.INCOMPLETE)
    if shows_evidence:
        told = [*detectors(entry, glyphs), *told, *(class_tables(entry, glyphs) if verbose else ())]
    picture = portrait(entry, glyphs, color=color) if shows_evidence else None
    body = (Padding(part, (1, 0, 0, 2)) for part in _beside(picture, told, width))
    return Group(grid, *body)


def _beside(
    picture: RenderableType | None, told: list[RenderableType], width: int
) -> Iterable[RenderableType]:
    """Put the text right of the picture where there is room for both, else below it."""
    if picture is None:
        return told
    if width < _WIDE:
        return [picture, *told]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row(picture, Group(*_spaced(told)))
    return [grid]


def _spaced(parts: list[RenderableType]) -> Iterable[RenderableType]:
    for index, part in enumerate(parts):
        if index:
            yield ""
        yield part


def _badge(verdict: Verdict) -> Text:
    return Text(verdict.upper().center(_BADGE), style=VERDICT_STYLES[verdict])


def _head(entry: ArtifactReport, glyphs: Glyphs, *, brief: bool) -> Iterable[Text]:
    facts = list(_facts(entry, glyphs, brief=brief))
    yield Text(glyphs.text(entry.artifact.path), style="bold")
    if brief:
        facts = [f"anomaly index {number(entry.anomaly_index)}", *facts]
    elif entry.anomaly_index is not None:
        yield _index(entry.anomaly_index, entry, glyphs)
    yield Text(f" {glyphs.dot} ".join(facts), style="dim")


def _index(index: float, entry: ArtifactReport, glyphs: Glyphs) -> Text:
    is_high = index > LIMIT
    style = "red" if is_high else "green"
    text = Text.assemble("anomaly index ", (number(index), f"bold {style}"), "  ")
    text.append(_meter(index, style, glyphs))
    text.append(f"  clean models rarely exceed {LIMIT:.1f}", style="dim")
    score = "" if entry.score is None else f"backdoor probability {percent(entry.score)}"
    targets = f"target class {labels(entry.target_labels)}" if entry.target_labels else ""
    digest = f"sha256 {glyphs.text(entry.artifact.sha256[:12])}" if entry.artifact.sha256 else ""
    remarks = f" {glyphs.dot} ".join(filter(None, (score, targets, digest)))
    return text.append(f"\n{remarks}" if remarks else "")


def _meter(index: float, style: str, glyphs: Glyphs) -> Text:
    """Draw the index on a scale whose middle is the limit."""
    filled = round(min(max(index / (2 * LIMIT), 0), 1) * (_METER + 1))
    text = Text()
    for place in range(_METER + 1):
        sign = glyphs.bar if place < filled else glyphs.track
        text.append(glyphs.tick if place == _METER // 2 else sign, style=style if place < filled else "dim")
    return text


def _facts(entry: ArtifactReport, glyphs: Glyphs, *, brief: bool) -> Iterable[str]:
    artifact, model = entry.artifact, entry.model
    yield artifact.format.value
    yield size(artifact.size)
    if model:
        yield f"{model.num_classes} classes"
        yield "x".join(str(side) for side in model.input_shape)
        span = f"inputs {model.input_range[0]:g}..{model.input_range[1]:g}"
        yield span if brief else f"{span} ({_briefly(model.input_range_source)})"
    if entry.seconds:
        yield f"{entry.seconds:.1f} s" + (", cached" if entry.is_cached else "")


def _briefly(source: str) -> str:
    """Return who stated the input range, in a word: option, policy, layer, inferred, assumed."""
    return safe(source, 60).partition(" ")[0].rstrip(",") or "unknown"


def _finding(
    finding: Finding, exemption: Exemption | None, names: dict[str, str], glyphs: Glyphs
) -> RenderableType:
    title = Text.assemble(
        (f"{glyphs.text(finding.rule)} {names.get(finding.rule, '')}".rstrip(), "bold"),
        "  ",
        (finding.severity.value, _SEVERITY_STYLES[finding.severity]),
        (f", {finding.confidence} confidence", "dim"),
    )
    lines = [title, Text(glyphs.text(finding.message))]
    if exemption:
        lines.append(_exempt(exemption, glyphs))
    elif finding.remedy:
        lines.append(Text(f"{glyphs.remedy} {glyphs.text(finding.remedy)}", style="cyan"))
    return _marked(Text(glyphs.finding, style="bold blue" if exemption else "bold red"), lines)


def _exempt(exemption: Exemption, glyphs: Glyphs) -> Text:
    return Text(f"{glyphs.remedy} {glyphs.text(str(exemption))}", style="blue")


def _gaps(entry: ArtifactReport, names: dict[str, str], glyphs: Glyphs) -> Iterable[RenderableType]:
    for gap in entry.not_checked:
        title = Text.assemble(
            (f"{glyphs.text(gap.rule)} {names.get(gap.rule, '')}".rstrip(), "bold"),
            ("  not checked", "yellow"),
            (", tolerated by the policy" if entry.tolerated else "", "dim"),
        )
        lines = [title, Text(glyphs.text(gap.message))]
        if exemption := entry.exemption(gap.rule):
            lines.append(_exempt(exemption, glyphs))
        yield _marked(Text(glyphs.gap, style="bold yellow"), lines)


def _marked(mark: Text, lines: list[Text]) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(mark, Group(*lines))
    return grid
