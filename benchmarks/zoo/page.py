"""`python -m benchmarks.zoo.page [--check]`: write the zoo's tables into docs/detection.md and its curves into docs/roc.svg.

Both are made of the committed evidence and of how the gate combines it, so a change of either makes them stale; `--check` only
compares.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from benchmarks.zoo import roc, table
from benchmarks.zoo.evidence import FILE, Row, read

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGE, _PICTURE = _DOCS / "detection.md", _DOCS / "roc.svg"
_BEGIN = "<!-- Made by `python -m benchmarks.zoo.page` from the evidence; do not edit. -->"
_END = "<!-- The end of what is made. -->"
# What a reader comes for stands open, the rest folds.
_OPEN = frozenset({"By attack", "Clean networks that look unusual", "The same networks judged otherwise"})
_NOTES = """\
A network counts as caught if the default policy fails it. Rates have Wilson's 95 % interval, areas a bootstrap one. "Right class": of the
caught ones whose attack aims at a class. "At 5 %" and "at 1 % false alarms": how many lie above the limit that at most
this share of the clean networks exceeds; of fewer than 100 clean networks 1 % is none. A backdoor that works on less than 90 % of its victims is
"weak" and no part of any total. The limit of the joint index is not fitted again where a detector is left out. Seconds are those of
a machine that also trained the zoo on its two cores: upper bounds."""


def tables(every: list[Row], split: str = "test") -> str:
    """Return the tables of one split, and of its development splits the first one, as Markdown."""
    rows = [row for row in every if row.truth["split"] == split]
    others = [row for row in every if row.truth["split"] != split]
    clean, works = (sum(map(kind, rows)) for kind in (table.is_clean, table.works))
    spread = ", ".join(
        f"{count} {name}" for name, count in sorted(Counter(row.truth["split"] for row in every).items())
    )
    parts = [
        f"{len(every)} networks were scanned ({spread}). The tables are of the {split} split: {clean} clean, {works} with a "
        f"backdoor that works, {len(rows) - clean - works} with a weak one.",
        _NOTES,
        "![ROC curves of the gate, of its parts and of others](roc.svg)",
        *(_section(title, lines) for title, lines in table.sections(rows).items()),
    ]
    if others:
        developed = "\n".join(table.by_attack(others))
        parts.append(_section("By attack, on the splits that the constants were chosen on", developed))
    parts += ["### From seed to seed", "\n".join(table.stability(every))]
    return "\n\n".join(parts)


def _section(title: str, lines: str) -> str:
    if title in _OPEN:
        return f"### {title}\n\n{lines}"
    return f"<details><summary>{title}</summary>\n\n{lines}\n\n</details>"


def filled(page: str, made: str) -> str:
    """Return the page with what is made between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{_PAGE.name}: expected the marks {_BEGIN!r} and {_END!r}")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"


def main() -> int:
    """Write or compare; return 1 if a file is not what the evidence says."""
    every = read(FILE)
    tested = [row for row in every if row.truth["split"] == "test"]
    made = {
        _PAGE: filled(_PAGE.read_text(encoding="utf-8"), tables(every)),
        _PICTURE: roc.picture(tested, "test"),
    }
    stale = [
        file for file, text in made.items() if not file.exists() or file.read_text(encoding="utf-8") != text
    ]
    if "--check" not in sys.argv:
        for file in stale:
            file.write_text(made[file], encoding="utf-8")
        return 0
    for file in stale:
        print(
            f"{file.name} is not what the evidence says; run: python -m benchmarks.zoo.page", file=sys.stderr
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
