"""Workflow commands that put findings on the page of a GitHub Actions run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters.parts.concerns import Concern, Level, concerns
from gate.reporters.parts.look import Look
from gate.reporters.parts.words import meaning, safe, tally

# GitHub shows no more of a level than this per step.
_MOST_PER_LEVEL = 10
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return one command a line, worst first; a run without anything to tell is one notice."""
    names = {rule.id: rule.name for rule in rules}
    told = concerns(report, rules)
    lines = []
    for level, command in _COMMANDS.items():
        lines += _capped(command, [_line(command, c, names) for c in told if c.level is level])
    if not told:
        summary = f"{', '.join(tally(report))}: {meaning(report)}."
        notices = [f"::notice title=backdoor-gate::{_data(text)}" for text in (summary, *report.notices)]
        lines += _capped("notice", notices)
    return "".join(f"{line}\n" for line in lines)


def _capped(command: str, lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_PER_LEVEL:
        return lines
    shown = lines[: _MOST_PER_LEVEL - 1]
    rest = f"{len(lines) - len(shown)} more of this level are in the report."
    return [*shown, f"::{command} title=backdoor-gate::{rest}"]


def _line(command: str, concern: Concern, names: dict[str, str]) -> str:
    finding, path = concern.finding, concern.entry.artifact.path
    title = " ".join(word for word in (finding.rule, names.get(finding.rule, "")) if word)
    then = str(concern.exemption) if concern.exemption else finding.remedy
    words = f"{path}: {finding.message} {then}".rstrip()
    # No line: a model file has none, and GitHub then shows the message for the file as a whole.
    return f"::{command} file={_property(path)},title={_property(title)}::{_data(words)}"


def _data(text: str) -> str:
    return safe(text, limit=2000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
