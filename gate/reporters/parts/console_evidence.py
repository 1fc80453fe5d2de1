"""The console format's evidence: the trigger as a picture, the detectors as a table, the classes as bars."""

from __future__ import annotations

from collections.abc import Iterable

from rich.color import Color
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from gate.core.evidence import Evidence, Status, Trigger
from gate.core.report import ArtifactReport
from gate.core.scale import LIMIT
from gate.core.words import listed
from gate.reporters.parts.glyphs import Glyphs
from gate.reporters.parts.picture import Picture, Rgb, picture, shaded
from gate.reporters.parts.words import (
    NOTHING,
    labels,
    leading_trigger,
    number,
    percent,
    suspects_words,
)

_BAR = 24
_MOST_CLASSES = 20


def portrait(entry: ArtifactReport, glyphs: Glyphs, *, color: bool) -> RenderableType | None:
    """Return the picture of the leading trigger with its caption; None if there is none."""
    trigger = leading_trigger(entry)
    drawing = picture(trigger) if trigger else None
    if trigger is None or drawing is None:
        return None
    return Group(_drawn(drawing, glyphs, color=color), _caption(trigger, is_blamed=bool(entry.findings)))


def detectors(entry: ArtifactReport, glyphs: Glyphs) -> Iterable[RenderableType]:
    """Return the table of what each detector measured, and below it why some did not; nothing for none."""
    if entry.evidence:
        yield Group(_table(entry, glyphs), *_remarks(entry.evidence, glyphs))


def class_tables(entry: ArtifactReport, glyphs: Glyphs) -> Iterable[RenderableType]:
    """Return, for each detector that inverted triggers, its classes with the smallest trigger first."""
    for evidence in entry.evidence:
        norms = evidence.trigger_norms
        if norms:
            yield _classes(evidence, norms, glyphs)


def _drawn(drawing: Picture, glyphs: Glyphs, *, color: bool) -> Text:
    if not (color and glyphs.is_unicode):
        return Text("\n".join(shaded(drawing, unicode=glyphs.is_unicode)), no_wrap=True)
    text = Text(no_wrap=True)
    for row in drawing.pairs():
        for offset in row:
            text.append("▀", style=_style(drawing.colours[offset], drawing.colours[offset + drawing.width]))
        text.append("\n")
    text.right_crop(1)
    return text


def _style(top: Rgb, bottom: Rgb) -> Style:
    return Style(color=Color.from_rgb(*top), bgcolor=Color.from_rgb(*bottom))


def _caption(trigger: Trigger, *, is_blamed: bool) -> Text:
    words = "recovered trigger for" if is_blamed else "smallest trigger:"
    return Text(f"{words} {trigger.destination}", style="dim")


def _table(entry: ArtifactReport, glyphs: Glyphs) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("detector", overflow="fold")
    for head, width in (("index", 7), ("paper", 5), ("class", 6), ("L1 px", 6), ("success", 8)):
        table.add_column(head, justify="right", no_wrap=True, min_width=width)
    for evidence in entry.evidence:
        trigger = evidence.trigger
        table.add_row(
            Text(glyphs.text(evidence.detector)),
            _index(evidence),
            number(evidence.paper_statistic),
            labels(evidence.target_labels, limit=1),
            number(trigger.l1_norm, 1) if trigger else NOTHING,
            percent(trigger.attack_success_rate) if trigger else NOTHING,
        )
    return table


def _index(evidence: Evidence) -> Text:
    if evidence.anomaly_index is None:
        return Text(evidence.status.value, style="yellow")
    style = "bold red" if evidence.anomaly_index > LIMIT else "green"
    return Text(number(evidence.anomaly_index), style=style)


def _remarks(evidence: Iterable[Evidence], glyphs: Glyphs) -> Iterable[Text]:
    silent: dict[tuple[str, str], list[str]] = {}
    for one in evidence:
        word = "inconclusive" if one.status is Status.MEASURED else one.status.value
        silent.setdefault((word, one.inconclusive or one.reason), []).append(glyphs.text(one.detector))
        if one.suspects:
            yield Text(f"{glyphs.text(one.detector)}: {glyphs.text(suspects_words(one.suspects))}")
    for (word, reason), detectors in silent.items():
        if reason:
            yield Text(f"{listed(detectors)} {word}: {glyphs.text(reason)}", style="dim")


def _classes(evidence: Evidence, norms: dict[int, float], glyphs: Glyphs) -> RenderableType:
    largest = max(norms.values())
    smallest_first = sorted(norms, key=lambda label: (norms[label], label))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("class", "L1 px"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column(Text(glyphs.text(evidence.detector)))
    for label in smallest_first[:_MOST_CLASSES]:
        filled = round(norms[label] / largest * _BAR) if largest > 0 else 0
        style = "bold red" if label in evidence.target_labels else "green"
        bar = Text(glyphs.bar * max(filled, 1), style=style)
        table.add_row(Text(str(label), style=style), number(norms[label], 1), bar)
    rest = len(norms) - _MOST_CLASSES
    return Group(table, Text(f"and {rest} more classes", style="dim")) if rest > 0 else table
