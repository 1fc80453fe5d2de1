"""Rows of a measurement that resumes: what a file holds already, and one more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def known(file: Path) -> list[Row]:
    """Return the rows that a file holds; none if there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def add(file: Path, row: Row) -> None:
    """Write one more row at the end of a file, and print it."""
    line = json.dumps(row)
    with file.open("a", encoding="utf-8") as rows:
        rows.write(line + "\n")
    print(line, flush=True)
