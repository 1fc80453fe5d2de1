"""How a report shall look on a screen."""

from __future__ import annotations

from typing import TypedDict


class Look(TypedDict, total=False):
    """Options of the console format; files look the same wherever they are written.

    Attributes:
        color: Whether the reader's terminal shows colours.
        width: Columns of the terminal.
        unicode: Whether it shows more than ASCII.
        verbose: Whether to show passing models in full, and every class.
        quiet: Whether to leave out advice.
    """

    color: bool
    width: int
    unicode: bool
    verbose: bool
    quiet: bool
