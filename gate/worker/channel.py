"""How a child speaks: lines on a standard output that is its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO

from gate.core.messages import Progress, ProgressTold, encode

Send = Callable[[object], None]


def open_channel() -> tuple[Send, Progress]:
    """Take the standard output for our own; return what sends a record, and what sends progress."""
    out = _private_output()

    def send(message: object) -> None:
        out.write(encode(message) + "\n")
        out.flush()

    def progress(stage: str, done: int, total: int, detail: str) -> None:
        send(ProgressTold((stage, done, total, detail)))

    return send, progress


def _private_output() -> TextIO:
    """Return the standard output for our own use; what libraries print goes nowhere near it."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private
