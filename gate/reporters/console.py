"""The report for people at a terminal: one block per model, what to act on first, a summary last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO

from rich.console import Console

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters.parts.console_block import block, is_brief
from gate.reporters.parts.console_summary import headline, summary
from gate.reporters.parts.glyphs import ASCII, UNICODE
from gate.reporters.parts.words import ranked

_NARROWEST = 40
_TRAILING_SPACE = re.compile(r"[ ]+$", re.MULTILINE)


def render(
    report: ScanReport,
    rules: Sequence[Rule],
    *,
    color: bool = False,
    width: int = 100,
    unicode: bool = True,
    verbose: bool = False,
    quiet: bool = False,
) -> str:
    """Return the report for a terminal, as `Look` describes it; no fewer than 40 columns are used."""
    file = StringIO()
    console = _console(file, color=color, width=max(width, _NARROWEST), unicode=unicode)
    names = {rule.id: rule.name for rule in rules}
    glyphs = UNICODE if unicode else ASCII
    console.print(headline(report, glyphs))
    was_brief = False
    for entry in ranked(report):
        brief = is_brief(entry, verbose=verbose)
        if not (brief and was_brief):
            console.print()
        was_brief = brief
        console.print(block(entry, names, glyphs, width=console.width, color=color, verbose=verbose))
    console.print(summary(report, glyphs, width=console.width, quiet=quiet))
    return _TRAILING_SPACE.sub("", file.getvalue())


def _console(file: StringIO, *, color: bool, width: int, unicode: bool) -> Console:
    return Console(
        file=file,
        width=width,
        force_terminal=color,
        color_system="truecolor" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        safe_box=not unicode,
        _environ={},  # rich would read COLUMNS and NO_COLOR; what they say comes in as arguments
    )
