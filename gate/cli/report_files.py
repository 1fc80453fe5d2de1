"""Files that stand beside a report: recovered triggers as pictures, suspect samples as list and contact sheet."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

from gate.core.evidence import Evidence, Suspects, SuspectSample, Trigger
from gate.core.report import ArtifactReport
from gate.core.text import printable

# Writes a file and returns its name as the report shall show it.
Write = Callable[[Path, bytes], str]

_TRIGGERS, _SUSPECTS = "backdoor-gate-triggers", "backdoor-gate-suspects"
_PATH_LENGTH = 4096
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@")


def with_files(entry: ArtifactReport, folder: Path, write: Write) -> ArtifactReport:
    """Write what belongs to a model's evidence below a folder; return the evidence with the files' names."""
    evidence = tuple(_attached(item, entry, folder, write) for item in entry.evidence)
    return dataclasses.replace(entry, evidence=evidence)


def _attached(evidence: Evidence, entry: ArtifactReport, folder: Path, write: Write) -> Evidence:
    stem = f"{entry.artifact.sha256[:12]}-{evidence.detector}"
    trigger, suspects = evidence.trigger, evidence.suspects
    if trigger:
        name = stem if trigger.target_label is None else f"{stem}-class-{trigger.target_label}"
        files = tuple(
            write(folder / _TRIGGERS / f"{name}-{part}.png", png) for part, png in _pictures(trigger)
        )
        trigger = dataclasses.replace(trigger, files=files)
    if suspects:
        parts = _lists(suspects)
        files = tuple(write(folder / _SUSPECTS / f"{stem}{suffix}", content) for suffix, content in parts)
        suspects = dataclasses.replace(suspects, files=files)
    return dataclasses.replace(evidence, trigger=trigger, suspects=suspects)


def _pictures(trigger: Trigger) -> list[tuple[str, bytes]]:
    parts = (
        ("mask", trigger.mask_png),
        ("pattern", trigger.pattern_png),
        ("examples", trigger.examples_png),
    )
    return [(part, png) for part, png in parts if png]


def _lists(suspects: Suspects) -> list[tuple[str, bytes]]:
    sheet = [(".png", suspects.sheet_png)] if suspects.sheet_png else []
    return [(".csv", _table(suspects.samples)), *sheet]


def _table(samples: tuple[SuspectSample, ...]) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("index", "file", "label", "score"))
    rows.writerows((each.index, _cell(each.file), each.label, f"{each.score:.6g}") for each in samples)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(file: str) -> str:
    """Return a file's name on one line, and never as a formula."""
    shown = printable(file, _PATH_LENGTH)
    return f"./{shown}" if shown.startswith(_FORMULA) else shown
