"""Hostile text within a line of Markdown."""

from __future__ import annotations

from gate.reporters.parts.words import safe

# Every character that HTML or Markdown gives a meaning within a line. An invisible space behind @ keeps a comment
# from calling people.
_SPECIAL = str.maketrans({char: f"&#{ord(char)};" for char in "&<>\\`*_~[](){}|!#$^"} | {"@": "@&#8203;"})


def code(text: str) -> str:
    """Return text in the typeface of code; backticks would not keep a pipe from ending a table's cell."""
    return f"<code>{escape(text)}</code>"


def escape(text: str) -> str:
    """Return text that means nothing to Markdown, HTML or GitHub."""
    shown = safe(text).translate(_SPECIAL)
    # GitHub makes links of bare addresses, too.
    return shown.replace("://", "&#58;//").replace("www.", "www&#46;")
