"""A real browser and axe-core look at the HTML report; needs Chromium, Node.js and what .ci/run fetches by npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters import html

ROOT = Path(__file__).resolve().parents[2]
AUDIT = Path(__file__).parent / "data/audit.cjs"


def browser() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def modules() -> Path | None:
    folder = Path(os.environ.get("HTML_AUDIT_MODULES") or ROOT / ".work/npm/node_modules")
    return folder if all((folder / name).is_dir() for name in ("axe-core", "puppeteer-core")) else None


@pytest.fixture
def audit(tmp_path: Path) -> Callable[[dict[str, str]], list[dict[str, Any]]]:
    """Let the browser look at pages, wide and bright and then narrow and dark."""
    chromium, folder, node = browser(), modules(), shutil.which("node")
    if not (chromium and folder and node):
        pytest.skip("needs Chromium, Node.js, and axe-core and puppeteer-core in .work/npm (see .ci/run)")

    def look(pages: dict[str, str]) -> list[dict[str, Any]]:
        files = [tmp_path / f"{name}.html" for name in pages]
        for file, text in zip(files, pages.values(), strict=True):
            file.write_text(text, "utf-8")
        done = subprocess.run(
            [node, AUDIT, folder, chromium, *files], capture_output=True, text=True, check=True, timeout=120
        )
        seen: list[dict[str, Any]] = json.loads(done.stdout)
        return seen

    return look


@pytest.mark.slow
def test_the_browser_finds_nothing_to_complain_about(
    audit: Callable[[dict[str, str]], list[dict[str, Any]]],
    reports: dict[str, ScanReport],
    rules: tuple[Rule, ...],
) -> None:
    seen = audit({name: html.render(report, rules) for name, report in reports.items()})

    assert 2 * len(reports) == len(seen)
    for page in seen:
        assert ([], [], []) == (page["violations"], page["console"], page["requests"]), page
        assert 0 >= page["overflow"], page
