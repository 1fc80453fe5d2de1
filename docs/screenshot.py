"""Make docs/screenshot.png: the console report of a JSON report, drawn by a real browser.

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

_WIDTH = 104
_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: #16181d; }}
pre {{ margin: 18px 22px; color: #d6d8dd; font: 15px/18px "DejaVu Sans Mono", monospace; }}
{stylesheet}</style><pre>{code}</pre>"""


def main(report: str) -> None:
    """Render, photograph, save."""
    command = [sys.executable, "-m", "gate", "merge", report]
    environment = {
        "FORCE_COLOR": "1",
        "COLUMNS": str(_WIDTH - 2),
        "PYTHONIOENCODING": "utf-8",
        "PATH": "/usr/bin",
    }
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    page = console.export_html(theme=MONOKAI, code_format=_PAGE)
    lines = shown.count("\n") + 1
    browser = shutil.which("chromium") or "google-chrome"
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder, "page.html")
        html.write_text(page, encoding="utf-8")
        picture = Path(__file__).with_name("screenshot.png").resolve()
        size = f"--window-size={_WIDTH * 9 + 60},{lines * 18 + 36}"
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ]
        subprocess.run(
            [browser, *flags, size, f"--screenshot={picture}", html.as_uri()], check=True, capture_output=True
        )


if __name__ == "__main__":
    main(sys.argv[1])
