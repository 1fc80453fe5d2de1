"""Make text from a model file safe to show: it was written by a stranger."""

from __future__ import annotations

import unicodedata

# Cc: control (ANSI escapes, NUL, line breaks); Cf: bidi overrides, zero width; Cs: lone surrogates;
# Co, Cn: private use, unassigned; Zl, Zp: separators that terminals take for line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, limit: int = 500) -> str:
    r"""Return the text on one line, hidden characters spelled out (``\x1b``), cut to `limit` characters."""
    shown = "".join(
        _spell(char) if unicodedata.category(char) in _HIDDEN else char for char in text[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[:limit] + "…"


def harmless(text: str, limit: int = 500) -> str:
    """Return hostile text on one line, hidden characters spelled out, CI commands taken apart.

    GitHub's runner obeys `::` at the start of a line (which a table cell may become when it is wrapped) and
    `##[` anywhere; GitLab and Jenkins obey `[[ATTACHMENT|`.
    """
    shown = printable(text, limit)
    for command, apart in (("::", ": :"), ("##[", "## ["), ("[[", "[ [")):
        while command in shown:
            shown = shown.replace(command, apart)
    return shown


def _spell(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
