"""What a budget promises and what a scan then takes: models x budgets, with the plan that was chosen, the verdict, and what was left out."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scans.check import check

_EXAMPLES = Path(__file__).parents[2] / "examples" / "models"


def main(words: Sequence[str]) -> None:
    """Scan each model with each budget, one after the other, and print Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks budgets", description=__doc__)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL[=LOW,HIGH]",
        default=[str(_EXAMPLES / "clean.keras")],
        help="a file, and its input range; an example if none is given",
    )
    parser.add_argument(
        "--budgets",
        nargs="+",
        type=float,
        default=[15.0, 60.0, 300.0],
        metavar="SECONDS",
        help="three if not given",
    )
    arguments = parser.parse_args(words)
    print("| model | budget | plan | taken | over | verdict | left out |")
    print("|---|---:|---|---:|---:|---|---|")
    for words_of_model in arguments.models:
        name, _, span = words_of_model.partition("=")
        limits = tuple(map(float, span.split(","))) if span else None
        for budget in arguments.budgets:
            print(_line(Path(name), limits, budget), flush=True)  # type: ignore[arg-type]


def _line(model: Path, limits: tuple[float, float] | None, budget: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        found = check(model, limits, Path(folder) / "a.scan.json", f"--budget={budget:g}s")
        taken = time.perf_counter() - started
    over = max(0.0, taken / budget - 1)
    plan = (found["model"] or {}).get("effort") or "whole"
    return f"| {model.name} | {budget:g} s | {plan} | {taken:.0f} s | {100 * over:.0f} % | {found['verdict']} | {_left_out(found)} |"


def _left_out(found: dict[str, Any]) -> str:
    cut = [each["detector"] for each in found["evidence"] if "budget" in each["inconclusive"]]
    gone = [
        each.partition("; left out: ")[2].partition(".")[0]
        for each in found["not_checked"]
        if "; left out: " in each
    ]
    return "; ".join([*gone, *(f"long search of {each}" for each in cut)]) or "-"
