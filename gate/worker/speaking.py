"""How a child speaks: JSON lines on a standard output that is its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TextIO

from gate.worker.scanning import Progress

Send = Callable[[dict[str, object]], None]


def speech() -> tuple[Send, Progress]:
    """Take the standard output for our own; return what sends a message, and what sends progress."""
    out = _private_output()

    def send(message: dict[str, object]) -> None:
        out.write(json.dumps(message, allow_nan=False) + "\n")
        out.flush()

    def progress(stage: str, done: int, total: int, detail: str) -> None:
        send({"progress": [stage, done, total, detail]})

    return send, progress


def _private_output() -> TextIO:
    """Return the standard output for our own use; what libraries print goes nowhere near it."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private
