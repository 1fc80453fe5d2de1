"""The pages that come from the code say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_made_from_the_code_are_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ("", 0) == (result.stderr, result.returncode)
