from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gate.discover.selection import Selection
from gate.pipeline.examination import detectors
from gate.pipeline.request import Request
from gate.policy.model import DetectorPolicy, PathPolicy, Policy, Statistic
from gate.policy.store import WorkingTree
from gate.policy.waivers.model import Exemptions, Known, Waiver

NC = DetectorPolicy(id="neural-cleanse", max_anomaly_index=2.5)
KNOWN = Known(rule="BD101", path="m.h5", digest="sha256:00", source="baseline.yaml:1")
WAIVER = Waiver(
    rule="BD101",
    path="m.h5",
    digest="sha256:00",
    source="waivers.yaml:1",
    reason="r",
    owner="o",
    expires=date(2027, 1, 1),
)


def _request(exemptions: Exemptions | None = None) -> Request:
    return Request(
        selection=Selection(),
        policy=Policy(source="test"),
        root=Path(),
        store=WorkingTree(root=Path()),
        store_root=Path(),
        environ={},
        profile="quick",
        exemptions=exemptions,
    )


def _fails_above(policy: PathPolicy, exemptions: Exemptions | None = None) -> list[float | None]:
    return [each.fails_above for each in detectors(policy, _request(exemptions))]


def test_a_model_past_a_limit_fails_whatever_else_is_found() -> None:
    policy = PathPolicy(detectors=(NC, DetectorPolicy(id="universal-patch")))

    assert [2.5, 2.0] == _fails_above(policy)
    assert [2.5, 2.0] == _fails_above(policy, Exemptions(today=date(2026, 1, 1)))


@pytest.mark.parametrize("exemptions", [{"waivers": (WAIVER,)}, {"baseline": (KNOWN,)}])
def test_where_there_is_an_exception_nothing_is_certain(exemptions: dict[str, tuple[Known, ...]]) -> None:
    given = Exemptions(today=date(2026, 1, 1), **exemptions)  # type: ignore[arg-type]  # fields by name

    assert [None] == _fails_above(PathPolicy(detectors=(NC,)), given)


def test_where_the_index_is_not_all_that_counts_nothing_is_certain() -> None:
    papers = DetectorPolicy(id="neural-cleanse", statistic=Statistic.PAPER)

    assert [None] == _fails_above(PathPolicy(detectors=(NC,), max_regression=0.5))
    assert [None] == _fails_above(PathPolicy(detectors=(papers,)))
