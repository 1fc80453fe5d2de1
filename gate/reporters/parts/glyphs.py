"""The signs that the console format draws with, for terminals that know Unicode and for those that do not."""

from __future__ import annotations

from dataclasses import dataclass

from gate.reporters.parts.words import safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One alphabet.

    Attributes:
        is_unicode: Whether half blocks and shades may be used.
        line: A piece of a ruled line.
        bar: A filled piece of a bar.
        track: An empty piece of a bar.
        tick: The mark on a bar.
        dot: Between two remarks.
        finding: Before a finding.
        gap: Before something that was not checked.
        remedy: Before what to do.
    """

    is_unicode: bool
    line: str
    bar: str
    track: str
    tick: str
    dot: str
    finding: str
    gap: str
    remedy: str

    def text(self, hostile: str, limit: int = 500) -> str:
        """Return text from a file, safe to show, in this alphabet."""
        shown = safe(hostile, limit)
        return shown if self.is_unicode else shown.encode("ascii", "backslashreplace").decode()


UNICODE = Glyphs(
    is_unicode=True, line="─", bar="━", track="─", tick="┿", dot="·", finding="✗", gap="○", remedy="→"
)
ASCII = Glyphs(
    is_unicode=False, line="-", bar="=", track="-", tick="|", dot="-", finding="x", gap="o", remedy="->"
)
