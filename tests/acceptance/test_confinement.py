"""Where a scan cannot be locked in, CI gets no verdict, and everybody else is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

# Runs a command as on a kernel without Landlock: a filter answers its first call with ENOSYS.
OLD_KERNEL = """
import os, sys
from gate.sandbox import kernel, seccomp
kernel.prctl(38, 1)
seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7FFF0000)])
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def check_on_old_kernel(
    command: Path, environment: Callable[..., Mapping[str, str]], examples: Path, tmp_path: Path
) -> Check:
    """Check a model statically; return the exit code and the report."""
    model = examples / "models" / "clean.keras"

    def check(*options: str, ci: str = "") -> tuple[int, dict[str, Any]]:
        arguments = ("check", model, "--static", "--output", "json=report.json", *options)
        done = subprocess.run(
            [sys.executable, "-c", OLD_KERNEL, command, *arguments],
            cwd=tmp_path,
            env=environment(CI=ci),
            check=False,
        )
        return done.returncode, json.loads((tmp_path / "report.json").read_text())

    return check


@pytest.mark.parametrize(("ci", "options"), [("true", ()), ("", ("--require-sandbox",))])
def test_a_missing_sandbox_stops_the_scan_where_one_is_required(
    check_on_old_kernel: Check, ci: str, options: tuple[str, ...]
) -> None:
    code, report = check_on_old_kernel(*options, ci=ci)

    assert 3 == code
    assert "seccomp; no Landlock (this kernel has none)" == report["sandbox"]
    (missing,) = report["artifacts"][0]["not_checked"]
    assert missing.startswith("BD007: The scanning process cannot be locked in: seccomp; no Landlock")


@pytest.mark.parametrize(
    ("ci", "options"), [("", ()), ("false", ()), ("0", ()), ("true", ("--no-require-sandbox",))]
)
def test_a_missing_sandbox_is_reported_where_none_is_required(
    check_on_old_kernel: Check, ci: str, options: tuple[str, ...]
) -> None:
    code, report = check_on_old_kernel(*options, ci=ci)

    assert (0, "seccomp; no Landlock (this kernel has none)") == (code, report["sandbox"])
