"""Which share of a work one process takes, where several processes share it."""

from __future__ import annotations


def share(text: str) -> tuple[int, int]:
    """Return (i, n) of a text I/N: every n-th piece, from the i-th, 1 <= i <= n.

    Raises:
        ValueError: It names no such share; the message says what is expected, and what was received.
    """
    first, _, parts = text.partition("/")
    if not (first.isdecimal() and parts.isdecimal() and 1 <= int(first) <= int(parts)):
        raise ValueError(f"expected I/N with 1 <= I <= N, received {text!r}")
    return int(first), int(parts)
