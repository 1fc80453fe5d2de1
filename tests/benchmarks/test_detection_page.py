"""The documentation says what the committed evidence says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.evaluation import pages, roc
from benchmarks.evaluation.evidence import Row, read
from benchmarks.evaluation.judges import GATE
from gate.detectors.scoring.calibration import (
    MARGIN_SCALE,
    PATCH_SCALE,
    PERTURBATION_SCALE,
    Scale,
    index_of_gap,
)
from gate.detectors.scoring.outliers import log_gap, spread_below

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read()


@pytest.mark.slow
def test_the_tables_and_the_curves_are_up_to_date() -> None:
    command = [sys.executable, "-m", "benchmarks", "report", "pages", "--check"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ("", 0) == (result.stderr, result.returncode)


def test_what_stands_around_the_tables_stays() -> None:
    begin, end = pages.marks("some")

    once = pages.filled(f"before\n{begin}\nold\n{end}\nafter\n", "some", "new")

    assert f"before\n{begin}\n\nnew\n\n{end}\nafter\n" == once
    assert once == pages.filled(once, "some", "new")


@pytest.mark.parametrize("text", ["nothing", *pages.marks("some"), *pages.marks("other")])
def test_a_page_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the marks"):
        pages.filled(text, "some", "new")


@pytest.mark.parametrize("classes", [2, 3, 5, 43])
@pytest.mark.parametrize("scale", [PATCH_SCALE, PERTURBATION_SCALE, MARGIN_SCALE])
def test_the_distance_that_the_page_names_is_where_a_class_is_blamed(classes: int, scale: Scale) -> None:
    times = pages.least_times(classes, scale)
    several = [np.array([1.0, *[times * near] * (classes - 1)]) for near in (0.99, 1.01)]

    nearly, beyond = (
        index_of_gap(log_gap(norms, 0), spread_below(norms, 0), classes, scale) for norms in several
    )

    assert nearly < 2.0 < beyond


def test_alarms_are_counted_by_classes_and_over_all_sets(rows: list[Row]) -> None:
    clean = [row for row in rows if row.is_clean]
    blamed = sum(map(GATE.blames, clean))

    told = pages.alarms({"one": rows, "other": clean}).splitlines()[2:]

    assert ["2 to 5", "6 to 24", "25 and more", "all"] == [line.split(" | ")[0].strip("| ") for line in told]
    assert 2 * [f"{blamed}/{len(clean)}"] == told[-1].split(" | ")[1:3]
    assert f"{2 * blamed}/{2 * len(clean)} (" in told[-1]


def test_a_single_split_has_no_table_of_others(rows: list[Row]) -> None:
    tested = [row for row in rows if row.truth["split"] == "test"]

    assert "constants were chosen on" not in pages.developed(tested)
    assert f"{len(tested)} networks were scanned ({len(tested)} test)." in pages.developed(tested)


def test_the_picture_has_a_curve_and_a_key_for_each_judge_that_was_measured(rows: list[Row]) -> None:
    tree = ElementTree.fromstring(roc.picture(rows, "whole"))

    curves = [path.get("d", "") for path in tree.iter("{http://www.w3.org/2000/svg}path")]
    words = "".join(tree.itertext())
    assert 0 == len(curves) % 2
    assert "the gate: " in words
    assert "The whole split: " in words
    # Along and up only: what lies between two measured rates is not known.
    assert not any("L" in curve or "C" in curve for curve in curves)


def test_without_backdoors_there_is_no_curve(rows: list[Row]) -> None:
    assert "<path" not in roc.picture([row for row in rows if row.is_clean], "clean")
