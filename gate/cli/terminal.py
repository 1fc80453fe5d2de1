"""What the terminal at the other end can show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from gate.core.text import printable

_WIDEST = 110
_NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a stream can show.

    Attributes:
        is_live: Whether a person watches; progress is drawn only then.
        color: Whether it shows colours.
        unicode: Whether it shows more than ASCII.
        width: Columns.
    """

    is_live: bool
    color: bool
    unicode: bool
    width: int


def terminal(stream: TextIO, environ: Mapping[str, str]) -> Terminal:
    """Describe a stream; NO_COLOR and FORCE_COLOR are heeded (no-color.org)."""
    is_live = stream.isatty() and environ.get("TERM") != "dumb"
    color = (is_live or bool(environ.get("FORCE_COLOR"))) and not environ.get("NO_COLOR")
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    columns = shutil.get_terminal_size((100, 24)).columns if is_live else int(_columns(environ))
    return Terminal(is_live, color, "utf" in encoding, min(max(columns, _NARROWEST), _WIDEST))


def _columns(environ: Mapping[str, str]) -> str:
    columns = environ.get("COLUMNS", "")
    return columns if columns.isdecimal() else "100"


def harmless(text: str) -> str:
    """Return hostile text on one line that neither a terminal nor a runner obeys."""
    # GitHub's runner obeys `##[` anywhere in a line of the log, and `::` at its start.
    return printable(text, 2000).replace("##[", "## [").replace("::", ": :")


def environment() -> Mapping[str, str]:
    """Return the process's environment; nobody else reads it."""
    return os.environ


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI system runs this; they all set CI."""
    return environ.get("CI", "").lower() not in ("", "0", "false")
