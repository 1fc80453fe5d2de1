"""The console format's first and last lines."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gate.core.report import ExitCode, ScanReport, Verdict
from gate.reporters.parts.console_images import remark
from gate.reporters.parts.glyphs import Glyphs
from gate.reporters.parts.words import meaning, tally

VERDICT_STYLES = {
    Verdict.FAIL: "bold white on red",
    Verdict.INCOMPLETE: "bold black on yellow",
    Verdict.WAIVED: "bold white on blue",
    Verdict.PASS: "bold black on green",
}
_EXIT_STYLES = {
    ExitCode.PASS: "bold green",
    ExitCode.FINDINGS: "bold red",
    ExitCode.INCOMPLETE: "bold yellow",
}


def headline(report: ScanReport, glyphs: Glyphs) -> Text:
    """Return who speaks, and how thoroughly it looked."""
    count = len(report.artifacts)
    remarks = (f"{glyphs.text(report.profile)} profile", f"{count} model{'' if count == 1 else 's'}")
    text = Text(f"backdoor-gate {glyphs.text(report.version)}", style="bold")
    text.append("".join(f" {glyphs.dot} {remark}" for remark in remarks), style="not bold dim")
    for notice in report.notices:
        text.append(f"\n{glyphs.remedy} {glyphs.text(notice)}", style="not bold")
    return text


def summary(report: ScanReport, glyphs: Glyphs, *, width: int, quiet: bool) -> RenderableType:
    """Return the counts, the policy, the seed, the sandbox, the exit code in words, and what images would bring."""
    policy = report.policy
    counts = f" {glyphs.dot} ".join(tally(report))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("models", Text(counts, style="bold"))
    grid.add_row("policy", Text(f"{glyphs.text(policy.source)} (sha256 {glyphs.text(policy.sha256[:12])})"))
    for name, stamp in report.exceptions:
        grid.add_row(name, Text(f"{glyphs.text(stamp.source)} (sha256 {glyphs.text(stamp.sha256[:12])})"))
    grid.add_row("seed", Text(str(report.seed)))
    if report.sandbox:
        grid.add_row("sandbox", Text(glyphs.text(report.sandbox)))
    grid.add_row(
        "exit",
        Text.assemble((str(int(report.exit_code)), _EXIT_STYLES[report.exit_code]), f"  {meaning(report)}"),
    )
    images = "" if quiet else remark(report)
    if images:
        grid.add_row("images", Text(images))
    return Group("", Text(glyphs.line * width, style="dim"), grid)
