"""Write the tables of docs/detection.md, and the curves of docs/roc.svg.

They are made of the committed evidence and of the gate's calibration, so a change of either makes them stale.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.evaluation import roc, tables
from benchmarks.evaluation.evidence import Row, read
from benchmarks.evaluation.judges import GATE, LIMIT, PAPER
from benchmarks.evaluation.metrics import rate
from benchmarks.results import DEVELOPMENT, FEW_CLASSES, MORE_IMAGES, PUBLIC, UNTOUCHED
from gate.detectors.scoring.calibration import (
    MARGIN_SCALE,
    PATCH_SCALE,
    PERTURBATION_SCALE,
    Scale,
    index_of_gap,
)

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGE, _PICTURE = _DOCS / "detection.md", _DOCS / "roc.svg"
_CLASSES = (2, 3, 4, 5, 10, 43)
_GROUPS = ((2, 5), (6, 24), (25, None))
# What a reader comes for stands open, the rest folds.
_UNUSUAL, _SECONDS = "Clean networks that look unusual", "Seconds per network"
_OPEN = frozenset({"By attack", _UNUSUAL, "The same networks judged otherwise"})
_OF_FEW = (
    "By attack",
    _UNUSUAL,
    "By classes",
    "By architecture",
    "By data",
    "The same networks judged otherwise",
    _SECONDS,
)
_OF_MORE_IMAGES = ("By attack", _UNUSUAL, _SECONDS)
_NOTES = """\
A network counts as caught if the default policy fails it. Rates have Wilson's 95 % interval, areas a bootstrap one. "Right class": of the
caught ones whose attack aims at a class. "At 5 %" and "at 1 % false alarms": how many lie above the limit that at most
this share of the clean networks exceeds; of fewer than 100 clean networks 1 % is none. A backdoor that works on less than 90 % of its victims is
"weak" and no part of any total. The limit of the joint index is not fitted again where a detector is left out. Seconds are those of
a machine that did other work, too, on its two cores; those of computing count both cores, TensorFlow's import included, and bound what an idle
machine takes."""


def untouched(rows: list[Row]) -> str:
    """Return all tables of the networks that nothing was chosen on, as Markdown."""
    parts = [
        f"{_kinds(rows)} {_NOTES}",
        *(_section(title, lines) for title, lines in tables.sections(rows).items()),
    ]
    return "\n\n".join(parts)


def _kinds(rows: list[Row]) -> str:
    clean, works = (sum(map(kind, rows)) for kind in (tables.is_clean, tables.works))
    weak = len(rows) - clean - works
    told = f"{len(rows)} networks: {clean} clean, {works} with a backdoor that works"
    return f"{told}, {weak} with a weak one." if weak else f"{told}."


def developed(every: list[Row], split: str = "test") -> str:
    """Return the tables of one split, and of its development splits the first one, as Markdown."""
    rows = [row for row in every if row.truth["split"] == split]
    others = [row for row in every if row.truth["split"] != split]
    spread = ", ".join(
        f"{count} {name}" for name, count in sorted(Counter(row.truth["split"] for row in every).items())
    )
    parts = [
        f"{len(every)} networks were scanned ({spread}). The tables are of the {split} split. {_kinds(rows)} It is not an untouched "
        "split: what came late was chosen with its networks in view, too (below). Words mean what they mean above.",
        "![ROC curves of the gate, of its parts and of others](roc.svg)",
        *(_section(title, lines) for title, lines in tables.sections(rows).items()),
    ]
    if others:
        lines = "\n".join(tables.by_attack(others))
        parts.append(_section("By attack, on the splits that all constants were chosen on", lines))
    parts += ["### From seed to seed", "\n".join(tables.stability(every))]
    return "\n\n".join(parts)


def extract(rows: list[Row], *titles: str) -> str:
    """Return how many there are, and some of their tables, as Markdown."""
    found = tables.sections(rows, titles)
    return "\n\n".join([_kinds(rows), *(_section(title, lines) for title, lines in found.items())])


def public(every: list[Row]) -> str:
    """Return what was measured on networks by other authors, and the rates, as Markdown."""
    clean, bad = ([row for row in every if row.is_clean == kind] for kind in (True, False))
    detectors = list(dict.fromkeys(item.detector for row in every for item in row.evidence))
    heads = ["model", "classes", "truth", "verdict", "index", *detectors, "paper's index", "seconds"]
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---|---|" + "---:|" * (len(heads) - 4)]
    lines += [
        _public(row, detectors)
        for row in sorted(every, key=lambda row: (row.is_clean, -GATE.indices([row])[0]))
    ]
    alarms, caught = (sum(map(GATE.blames, group)) for group in (clean, bad))
    return "\n".join([
        f"Caught: {rate(caught, len(bad))}. False alarms: {rate(alarms, len(clean))}; the paper's rule on the same searches: "
        f"{rate(sum(map(PAPER.blames, PAPER.measured(clean))), len(clean))}.\n",
        *lines,
    ])  # fmt: skip


def _public(row: Row, detectors: list[str]) -> str:
    truth, judgement = row.truth, GATE.judgement_of(row)
    assert judgement is not None
    kind = "clean" if row.is_clean else "all-to-all" if truth["attack"] == "all-to-all" else "all-to-one"
    blamed = "" if judgement.label is None or not truth["targets"] else f", {judgement.label}"
    known = {item.detector: f"{item.anomaly_index:.2f}" for item in row.evidence}
    paper = PAPER.judgement_of(row)
    cells = [
        truth["name"],
        truth["num_classes"],
        f"{kind} -> {truth['targets'][0]}" if truth["targets"] else kind,
        f"fail{blamed}" if GATE.blames(row) else "pass",
        f"{judgement.index:.2f}",
        *(known.get(detector, "-") for detector in detectors),
        f"{paper.index:.2f}" if paper else "-",
        f"{row.seconds:.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _section(title: str, lines: str) -> str:
    if title in _OPEN:
        return f"### {title}\n\n{lines}"
    return f"<details><summary>{title}</summary>\n\n{lines}\n\n</details>"


def least_times(classes: int, scale: Scale) -> float:
    """Return how many times smaller than the others' a class's trigger must be to be blamed if the others are alike."""
    return math.exp(LIMIT / index_of_gap(1.0, 0.0, classes, scale))


def alarms(sets: dict[str, list[Row]]) -> str:
    """Return how many clean networks of each set are blamed, by number of classes, as Markdown."""
    lines = [f"| classes | {' | '.join(sets)} | all (95 %) |", "|---|" + "---:|" * len(sets) + "---|"]
    for low, high in (*_GROUPS, (2, None)):
        groups = [
            [row for row in rows if row.is_clean and low <= row.truth["num_classes"] <= (high or math.inf)]
            for rows in sets.values()
        ]
        blamed = [sum(map(GATE.blames, group)) for group in groups]
        cells = [f"{count}/{len(group)}" for count, group in zip(blamed, groups, strict=True)]
        title = f"{low} to {high}" if high else "all" if low == 2 else f"{low} and more"
        lines.append(f"| {title} | {' | '.join(cells)} | {rate(sum(blamed), sum(map(len, groups)))} |")
    return "\n".join(lines)


def few_classes() -> str:
    """Return `least_times` by number of classes, as Markdown."""
    lines = ["| classes | patch | faint change of the whole picture | 1 / margin |", "|---:|---:|---:|---:|"]
    for classes in _CLASSES:
        times = (least_times(classes, scale) for scale in (PATCH_SCALE, PERTURBATION_SCALE, MARGIN_SCALE))
        lines.append(f"| {classes} | " + " | ".join(f"{each:.1f}" for each in times) + " |")
    return "\n".join(lines)


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which what is made stands."""
    return (
        f"<!-- Made by `python -m benchmarks report pages`, do not edit: {name} -->",
        f"<!-- End: {name} -->",
    )


def filled(page: str, name: str, made: str) -> str:
    """Return the page with what is made between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    first, last = marks(name)
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{_PAGE.name}: expected the marks {first!r} and {last!r}")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"


def _made() -> dict[Path, str]:
    """Return what each file should hold."""
    every = read(DEVELOPMENT)
    tested = [row for row in every if row.truth["split"] == "test"]
    page = filled(_PAGE.read_text(encoding="utf-8"), "few classes", few_classes())
    new, few, more, others = map(read, (UNTOUCHED, FEW_CLASSES, MORE_IMAGES, PUBLIC))
    sets = {"untouched": new, "few classes": few, "zoo": every, "more images": more, "public": others}
    page = filled(page, "alarms", alarms(sets))
    page = filled(page, "untouched", untouched(new))
    page = filled(page, "untouched, few classes", extract(few, *_OF_FEW))
    page = filled(page, "more images", extract(more, *_OF_MORE_IMAGES))
    page = filled(page, "public", public(others))
    return {
        _PAGE: filled(page, "zoo", developed(every)),
        _PICTURE: roc.picture(tested, "test"),
    }


def main(words: Sequence[str]) -> int:
    """Write or compare; return 1 if a file is not what the evidence says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args(words)
    made = _made()
    stale = [
        file for file, text in made.items() if not file.exists() or file.read_text(encoding="utf-8") != text
    ]
    if not arguments.check:
        for file in stale:
            file.write_text(made[file], encoding="utf-8")
        return 0
    for file in stale:
        print(
            f"{file.name} is not what the evidence says; run: python -m benchmarks report pages",
            file=sys.stderr,
        )
    return 1 if stale else 0
