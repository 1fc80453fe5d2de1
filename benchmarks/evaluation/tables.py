"""How well backdoors are detected, as Markdown tables with intervals, from committed evidence (`make bench-detect`).

A network is blamed if the default policy fails it: a detector's index, or the index of all evidence together, exceeds
2.0. Rates have Wilson's 95 % interval, the area under the ROC curve a bootstrap one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.evaluation.evidence import Row, read
from benchmarks.evaluation.judges import BASELINES, GATE, LIMIT, Judge, alone, without
from benchmarks.evaluation.metrics import Floats, area, caught_at, rate
from benchmarks.results import DEVELOPMENT

_FIRST = ("patch", "blended")
_NOT_TO_ONE = ("all-to-all", "multi-target", "source-specific")
_KEYS = {
    "num_classes": "classes",
    "architecture": "architecture",
    "task": "data",
    "span": "input range",
}
_JUDGED = (
    "caught (95 %) | right class (95 %) | AUC against clean (95 %) | caught at 5 % | at 1 % false alarms"
)

Lines = Iterator[str]


def is_clean(row: Row) -> bool:
    """Return whether nobody put a backdoor in."""
    return row.is_clean


def works(row: Row) -> bool:
    """Return whether the network has a backdoor that works."""
    return row.stratum not in ("clean", "weak")


def is_of_the_first(row: Row) -> bool:
    """Return whether it is a backdoor of the kinds that the field measures first."""
    return row.stratum in _FIRST


def by_attack(rows: list[Row]) -> Lines:
    """Yield a line per attack, each against all clean networks; weak ones are no part of any total."""
    clean = [row for row in rows if row.is_clean]
    indices = GATE.indices(clean)
    yield f"| attack | n | {_JUDGED} |"
    yield "|---|---:|---|---|---|---:|---:|"
    alarms = rate(sum(map(GATE.blames, clean)), len(clean))
    yield f"| none (false alarms) | {len(clean)} | {alarms} | - | - | - | - |"
    for name, members in _attacks(rows).items():
        yield f"| {name} | {len(members)} | {_judged(members, indices, indices)} |"


def _attacks(rows: list[Row]) -> Mapping[str, list[Row]]:
    strata = sorted({row.stratum for row in rows} - {"clean", "weak"})
    groups = {name: [row for row in rows if row.stratum == name] for name in strata}
    groups["patch + blended"] = [row for row in rows if is_of_the_first(row)]
    groups["all images to one class"] = [row for row in rows if works(row) and row.stratum not in _NOT_TO_ONE]
    groups["all that work"] = [row for row in rows if works(row)]
    groups["weak (success below 90 %)"] = [row for row in rows if row.stratum == "weak"]
    return {name: members for name, members in groups.items() if members}


def _judged(bad: list[Row], against: Floats, clean: Floats, judge: Judge = GATE) -> str:
    """Return the cells of `_JUDGED`; limits for rare false alarms are those of all clean networks."""
    caught = [row for row in bad if judge.blames(row)]
    aimed = [row for row in caught if row.truth["targets"]]
    indices = judge.indices(bad)
    cells = [
        rate(len(caught), len(bad)),
        rate(sum(map(judge.is_right, aimed)), len(aimed)),
        area(against, indices),
    ]
    return " | ".join([*cells, *(_caught_at(clean, indices, share) for share in (0.05, 0.01))])


def _caught_at(clean: Floats, bad: Floats, share: float) -> str:
    return f"{caught_at(clean, bad, share)}/{len(bad)}" if len(clean) and len(bad) else "-"


def by_property(rows: list[Row], key: str) -> Lines:
    """Yield false alarms and hits by one property of the networks, like against like."""
    yield f"| {_KEYS[key]} | clean | false alarms (95 %) | backdoored | {_JUDGED} |"
    yield "|---|---:|---|---:|---|---|---|---:|---:|"
    all_clean = GATE.indices(filter(is_clean, rows))
    for value in sorted({row.truth[key] for row in rows}):
        members = [row for row in rows if row.truth[key] == value]
        clean, bad = list(filter(is_clean, members)), list(filter(works, members))
        alarms = rate(sum(map(GATE.blames, clean)), len(clean))
        judged = _judged(bad, GATE.indices(clean), all_clean)
        yield f"| {value} | {len(clean)} | {alarms} | {len(bad)} | {judged} |"


def by_condition(rows: list[Row]) -> Lines:
    """Yield the false alarms of every awkward kind of clean network, and who is not cleared."""
    yield "| clean networks | n | false alarms (95 %) | inconclusive | largest index |\n|---|---:|---|---:|---:|"
    clean = list(filter(is_clean, rows))
    kinds = sorted({row.truth["condition"] for row in clean} - {""})
    groups = {name: [row for row in clean if row.truth["condition"] == name] for name in kinds}
    groups["all awkward"] = [row for row in clean if row.truth["condition"]]
    groups["ordinary"] = [row for row in clean if not row.truth["condition"]]
    for name, members in groups.items():
        if members:
            alarms = rate(sum(map(GATE.blames, members)), len(members))
            doubts = _share_of_doubts(members)
            largest = GATE.indices(members).max()
            yield f"| {name} | {len(members)} | {alarms} | {doubts} | {largest:.2f} |"


def _share_of_doubts(rows: list[Row]) -> str:
    told = [row.verdict for row in rows if row.verdict]
    return f"{told.count('incomplete')}/{len(told)}" if told else "-"


def compare(rows: list[Row], judges: Iterable[Judge]) -> Lines:
    """Yield a line per judge, each on the networks that it was measured on; backdoors that work."""
    yield (
        "| judged by | clean | backdoored | AUC, patch + blended (95 %) | AUC, all that work (95 %) | caught at 5 % | "
        "at 1 % false alarms | limit | false alarms | caught | right class |"
    )
    yield "|---|---:|---:|---|---|---:|---:|---:|---|---|---|"
    for judge in judges:
        known = judge.measured(rows)
        clean, bad = list(filter(is_clean, known)), list(filter(works, known))
        if clean or bad:
            yield _compared(judge, clean, bad)


def _compared(judge: Judge, clean: list[Row], bad: list[Row]) -> str:
    indices = judge.indices(clean)
    caught, right, of_all, *shares = _judged(bad, indices, indices, judge).split(" | ")
    of_first = area(indices, judge.indices(filter(is_of_the_first, bad)))
    alarms = rate(sum(map(judge.blames, clean)), len(clean))
    cells = [
        judge.name,
        len(clean),
        len(bad),
        of_first,
        of_all,
        *shares,
        f"{judge.limit:.1f}",
        alarms,
        caught,
        right,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def detectors(rows: list[Row]) -> list[str]:
    """Return the detectors that measured anything."""
    return sorted({item.detector for row in rows for item in row.evidence})


def misses(rows: list[Row]) -> Lines:
    """Yield every network that was judged wrongly, with what each detector said."""
    for row in rows:
        if row.stratum == "weak" or GATE.blames(row) != row.is_clean:
            continue
        told = ", ".join(f"{item.detector} {item.anomaly_index:.2f}" for item in row.evidence)
        kind = "false alarm" if row.is_clean else "inconclusive" if row.verdict == "incomplete" else "missed"
        yield f"- {kind}: {row.truth['name']} ({told})"


def seconds(rows: list[Row]) -> Lines:
    """Yield how long the scans took, by number of classes."""
    yield "| classes | n | seconds p50 | p95 | n | of computing p50 | p95 |\n|---|---:|---:|---:|---:|---:|---:|"
    for classes in (*sorted({row.truth["num_classes"] for row in rows}), "all"):
        members = [row for row in rows if classes in (row.truth["num_classes"], "all")]
        worked = [row.cpu_seconds for row in members if row.cpu_seconds is not None]
        yield f"| {classes} | {_quantiles([row.seconds for row in members])} | {_quantiles(worked)} |"


def _quantiles(taken: list[float]) -> str:
    p50, p95 = np.quantile(taken, (0.5, 0.95)) if taken else (0.0, 0.0)
    return f"{len(taken)} | {p50:.0f} | {p95:.0f}" if taken else "0 | - | -"


def stability(rows: list[Row]) -> Lines:
    """Yield how often a network's verdict stays the same from seed to seed."""
    tried = [row for row in rows if len(row.seeds) > 1]
    if not tried:
        yield "Not measured."
        return
    counts = [Counter(row.seeds.values()).most_common(1)[0][1] for row in tried]
    runs = sum(len(row.seeds) for row in tried)
    same = sum(count == len(row.seeds) for count, row in zip(counts, tried, strict=True))
    yield (
        f"{len(tried)} networks, {runs} runs, each network with {min(len(row.seeds) for row in tried)} seeds or more: "
        f"{rate(sum(counts), runs)} of the runs have their network's most frequent verdict; {same} of {len(tried)} "
        "networks have one verdict throughout."
    )
    for row, count in zip(tried, counts, strict=True):
        if count < len(row.seeds):
            told = ", ".join(f"{n} {verdict}" for verdict, n in Counter(row.seeds.values()).most_common())
            yield f"- {row.truth['name']}: {told}"


def sections(rows: list[Row], titles: Iterable[str] = ()) -> dict[str, str]:
    """Return tables of one split's networks by their titles: those that are asked for, or all."""
    alarms_left = [GATE, *map(without, detectors(rows))]
    found = {"By attack": by_attack(rows), "Clean networks that look unusual": by_condition(rows)}
    found |= {f"By {title}": by_property(rows, key) for key, title in _KEYS.items()}
    found |= {
        "The same networks judged otherwise": compare(rows, (GATE, *BASELINES)),
        "Each detector alone": compare(rows, map(alone, detectors(rows))),
        "Each detector left out": compare(rows, alarms_left),
        "Seconds per network": seconds(rows),
        "Judged wrongly": misses(rows),
    }
    return {title: "\n".join(found[title]) or "None." for title in titles or found}


def main(words: Sequence[str]) -> None:
    """Print all tables of the split that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report tables", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEVELOPMENT)
    parser.add_argument("--split", default="test", help="calibration, validation, test or all")
    arguments = parser.parse_args(words)
    every = read(arguments.file)
    rows = [row for row in every if arguments.split in (row.truth["split"], "all")]
    print(f"Split: {arguments.split}; {len(rows)} networks; limit {LIMIT}.")
    for title, lines in sections(rows).items():
        print(f"\n## {title}\n\n{lines}")
    # Measured on the validation split, so that the test split is looked at once.
    print("\n## From seed to seed\n", *stability(every), sep="\n")
