"""Scan a network as a user would, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def check(model: Path, limits: tuple[float, float] | None, report: Path, *options: str) -> dict[str, Any]:
    """Write a JSON report and, beside it, how long the processors worked; return the report's entry for the model.

    On a machine that is busy with other work, too, the report's seconds say little; those of the processors stay what they are.

    Args:
        model: The network.
        limits: Its input range; None to leave it to the gate.
        report: File to write.
        options: More of `backdoor-gate check`.
    """
    # A cached verdict would have another run's seconds.
    span = [] if limits is None else ["--input-range={:g},{:g}".format(*limits)]
    known = ["--no-cache", "-q", *span, f"--output=json={report}"]
    command = [sys.executable, "-m", "gate", "check", str(model), *known, *options]
    before = _worked()
    subprocess.run(command, check=False, capture_output=True)
    cost(report).write_text(
        json.dumps({"cpu_seconds": round(_worked() - before, 1)}) + "\n", encoding="utf-8"
    )
    return entry(report)


def _worked() -> float:
    """Return the computing time of all processes that were started and have ended, theirs included, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


def cost(report: Path) -> Path:
    """Return the file that says what a scan cost."""
    return report.with_name(report.name.replace(".scan.", ".cost."))


def entry(report: Path) -> dict[str, Any]:
    """Return what a JSON report says of its only model."""
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["artifacts"][0]
    return found
