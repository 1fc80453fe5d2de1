"""Files of networks are whole at any time: a run that is stopped leaves no half of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def keep(file: Path, record: dict[str, Any], indent: int | None = None) -> None:
    """Write a record as JSON, whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(record, indent=indent) + "\n", encoding="utf-8")
    part.replace(file)
