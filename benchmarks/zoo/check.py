"""Scan a network of the zoo as a user would, through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def check(model: Path, limits: tuple[float, float], report: Path, *options: str) -> dict[str, Any]:
    """Write a JSON report and return its entry for the model.

    Args:
        model: The network.
        limits: Its input range.
        report: File to write.
        options: More of `backdoor-gate check`.
    """
    low, high = limits
    # A cached verdict would have another run's seconds.
    known = ["--no-cache", "-q", f"--input-range={low:g},{high:g}", f"--output=json={report}"]
    command = [sys.executable, "-m", "gate", "check", str(model), *known, *options]
    subprocess.run(command, check=False, capture_output=True)
    return entry(report)


def entry(report: Path) -> dict[str, Any]:
    """Return what a JSON report says of its only model."""
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["artifacts"][0]
    return found
