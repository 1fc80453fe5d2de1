from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.performance.profile import counted
from gate.core.effort import Effort
from gate.core.evidence import CLASS_INDEX, CUT_SHORT, Evidence, Measurement, Status, searched
from gate.detectors import create, detector_class, ids
from gate.detectors.shared.contract import Context, Reach, Searching
from gate.models.classifier import Classifier
from gate.models.surrogates.pools import SurrogatePools
from gate.worker.budget import Speed, decide, speed_of
from gate.worker.searching import Search, together
from tests.detectors.contexts import context

Cli = Callable[..., Any]
FAST = Speed(rate=1000.0, graph=0.1)
SEARCHES = sorted(name for name in ids() if hasattr(detector_class(name), "passes"))
EXAMPLES = Path(__file__).parents[2] / "examples" / "models"


@pytest.fixture(scope="module")
def small(keras: Any) -> Classifier:
    """A linear network of four classes of pictures of 8 x 8 pixels."""
    dense = keras.layers.Dense(4)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([np.random.default_rng(0).normal(size=(64, 4)), np.zeros(4)])
    return Classifier(network)


@pytest.fixture(scope="module")
def room(small: Classifier) -> Context:
    return context(small)


def test_every_detector_that_takes_long_says_what_it_needs() -> None:
    assert {"neural-cleanse", "universal-patch", "universal-perturbation", "class-permutation"} < set(
        SEARCHES
    )
    assert {"head-weights", "hand-made-logic", "strip"} & set(SEARCHES) == set()


@pytest.mark.parametrize("budget", [0.001, 1.0, 5.0, 20.0, 60.0, 1e6])
def test_the_fullest_plan_that_fits_is_taken(room: Context, budget: float) -> None:
    detectors = {name: create(name, {}) for name in SEARCHES}

    decision = decide(budget, 0.5, detectors, room, FAST)

    assert decision.effort is Effort.LEAST or decision.promised <= budget
    more = decide(2 * budget, 0.5, detectors, room, FAST)
    assert more.promised >= decision.promised


def test_a_budget_that_buys_nothing_buys_the_least_and_a_large_one_all(room: Context) -> None:
    detectors = {name: create(name, {}) for name in SEARCHES}

    assert Effort.LEAST is decide(0.001, 0.0, detectors, room, FAST).effort
    assert Effort.WHOLE is decide(1e9, 0.0, detectors, room, FAST).effort
    short = next(
        seconds
        for seconds in range(1, 500)
        if decide(seconds, 0.0, detectors, room, FAST).effort is Effort.SHORT
    )
    assert Effort.WHOLE is decide(10 * short, 0.0, detectors, room, FAST).effort


def test_who_searches_nothing_costs_nothing(room: Context) -> None:
    cheap = {"head-weights": create("head-weights", {})}

    assert Effort.WHOLE is decide(1.0, 0.5, cheap, room, FAST).effort


@pytest.mark.parametrize(
    "name",
    [
        "neural-cleanse",
        "universal-patch",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("universal-perturbation", "class-permutation", "maximum-margin")
        ),
    ],
)
def test_a_detector_needs_no_more_than_it_says(small: Classifier, name: str) -> None:
    classifier, passes = counted(small)
    pools = SurrogatePools(classifier, 0)
    room = context(classifier, pools=pools)
    pools.pool(0)
    passes.forward = passes.back = 0
    detector = create(name, {})
    assert isinstance(detector, Searching)

    detector.run(room)

    assert 0 < passes.back <= sum(detector.passes(room))


def test_speed_is_measured(small: Classifier) -> None:
    speed = speed_of(small)

    assert speed.rate > 10.0
    assert speed.graph > 0.0


@pytest.mark.parametrize("value", ["0", "0s", "-1", "5 m", "2d", "1e9", "nonsense", ""])
def test_what_is_no_time_is_refused(cli: Cli, tmp_path: Path, value: str) -> None:
    result = cli("check", "--budget", value, cwd=tmp_path)

    assert 2 == result.code
    assert "expected a time such as 60s, 5m or 1h" in " ".join(result.err.split())


@pytest.mark.slow
def test_a_scan_that_was_cut_does_not_pass_and_is_not_kept(cli: Cli, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    keeps = {"BACKDOOR_GATE_NO_CACHE": "0"}
    options = ("check", str(EXAMPLES / "clean.keras"), "--cache-dir", str(cache), "--output", "json=r.json")

    cut = cli(*options, "--budget", "1s", cwd=tmp_path, environ=keeps)
    report = json.loads((tmp_path / "r.json").read_text())["artifacts"][0]
    assert (3, "no searches") == (cut.code, report["model"]["effort"])
    assert 1 == len(report["not_checked"])
    assert "There is no time for a search" in report["not_checked"][0]

    whole = cli(*options, cwd=tmp_path, environ=keeps)
    report = json.loads((tmp_path / "r.json").read_text())["artifacts"][0]
    assert (0, "", False) == (whole.code, report["model"]["effort"], report.get("cached", False))

    again = cli(*options, "--budget", "1s", cwd=tmp_path, environ=keeps)
    assert 0 == again.code
    assert json.loads((tmp_path / "r.json").read_text())["artifacts"][0]["cached"]


def test_short_looks_that_say_a_lot_together_do_not_clear_a_model_without_the_time_for_long_ones(
    room: Context,
) -> None:
    def told(detector: str) -> Evidence:
        index = Measurement(name=CLASS_INDEX, value=0.95, label=2)
        evidence = Evidence(
            detector=detector,
            rule=detector_class(detector).RULE.id,
            status=Status.MEASURED,
            anomaly_index=0.95,
            measurements=(searched(10), index),
        )
        return Reach.SHORT.told(evidence)

    names = ("neural-cleanse", "universal-perturbation", "universal-patch")
    detectors, short = (
        {name: create(name, {}) for name in names},
        dataclasses.replace(room, effort=Effort.SHORT),
    )
    found = {name: told(name) for name in names}
    alone = {"neural-cleanse": found["neural-cleanse"]}

    search = Search(detectors=detectors, context=short)
    cut = together(search, found)

    assert [CUT_SHORT, CUT_SHORT, ""] == [each.inconclusive for each in cut.values()]
    assert alone == together(search, alone)
