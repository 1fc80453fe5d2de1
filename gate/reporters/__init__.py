"""One file per format: a report goes in, text comes out; the file's name is the format's name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol, Unpack, cast

from gate.core.errors import UsageError
from gate.core.report import ScanReport
from gate.core.rule import Rule
from gate.reporters.parts.look import Look


class Reporter(Protocol):
    """A module of this package."""

    def render(self, report: ScanReport, rules: Sequence[Rule], **look: Unpack[Look]) -> str:
        """Return the report as text in this format.

        Args:
            report: What to tell.
            rules: Every rule that the report may name, and those it could have named.
            **look: How it shall look on a screen; only `console` heeds it.
        """


def names() -> tuple[str, ...]:
    """Return the known formats, sorted; none of them is imported."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg))


def get(name: str) -> Reporter:
    """Return the reporter of a format.

    Raises:
        UsageError: There is no such format.
    """
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"output format: expected one of {', '.join(known)}, received {name!r}",
            hint=f"did you mean {close[0]!r}?" if close else "",
        )
    return cast("Reporter", importlib.import_module(f"{__name__}.{name}"))
