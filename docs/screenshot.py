"""Make docs/screenshot.png and docs/report.png: a JSON report on the console and as HTML, drawn by a real browser.

    make demo && .venv/bin/python docs/screenshot.py demo-report/report.json

Needs Chromium and a monospaced font with block elements (DejaVu Sans Mono).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

_DOCS = Path(__file__).resolve().parent
_WIDTH = 104
_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: #16181d; }}
pre {{ margin: 18px 22px; color: #d6d8dd; font: 15px/18px "DejaVu Sans Mono", monospace; }}
{stylesheet}</style><pre>{code}</pre>"""
# The head, the table, and the first model down to its chart.
_REPORT_SIZE = (1180, 1610)
_ENVIRONMENT = {
    "FORCE_COLOR": "1",
    "COLUMNS": str(_WIDTH - 2),
    "PYTHONIOENCODING": "utf-8",
    "PATH": "/usr/bin",
}


def main(report: str) -> None:
    """Render both, photograph, save."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        shown = _merge(report, f"--output=html={page}", "--output=console=-")
        _photograph(page, _DOCS / "report.png", *_REPORT_SIZE)
        page.write_text(_as_page(shown), encoding="utf-8")
        lines = shown.count("\n") + 1
        _photograph(page, _DOCS / "screenshot.png", _WIDTH * 9 + 60, lines * 18 + 36)


def _merge(*arguments: str) -> str:
    command = [sys.executable, "-m", "gate", "merge", *arguments]
    return subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False).stdout


def _as_page(shown: str) -> str:
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    return console.export_html(theme=MONOKAI, code_format=_PAGE)


def _photograph(page: Path, picture: Path, width: int, height: int) -> None:
    browser = shutil.which("chromium") or "google-chrome"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-background-networking",
    ]
    subprocess.run(
        [browser, *flags, f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main(sys.argv[1])
