"""Which share of the work a process takes, where several share it."""

from __future__ import annotations

import argparse


def part(text: str) -> tuple[int, int]:
    """Return (i, n) of a text I/N: every n-th piece, from the i-th, 1 <= i <= n.

    Raises:
        argparse.ArgumentTypeError: It names no such share.
    """
    expected = f"expected I/N with 1 <= I <= N, received {text!r}"
    try:
        first, parts = (int(number) for number in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(expected) from error
    if not 1 <= first <= parts:
        raise argparse.ArgumentTypeError(expected)
    return first, parts
