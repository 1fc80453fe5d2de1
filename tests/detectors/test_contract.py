from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from gate import detectors

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = ("Looks for", "Needs", "Decides by", "If it fires", "Known limits", "Paper")
each_detector = pytest.mark.parametrize("detector", detectors.ids())


def test_detectors_are_found_by_their_file_names() -> None:
    assert {"neural-cleanse", "activation-clustering"} <= set(detectors.ids())
    assert tuple(sorted(detectors.ids())) == detectors.ids()


@pytest.mark.parametrize("unknown", ["", "_stats", "neural_cleanse", "../policy/loader", "os"])
def test_nothing_else_is_imported_by_name(unknown: str) -> None:
    with pytest.raises(KeyError):
        detectors.detector_class(unknown)


def test_every_rule_is_that_of_one_detector() -> None:
    assert len(detectors.ids()) == len({rule.id for rule in detectors.rules()})


@each_detector
def test_its_page_says_what_a_reader_needs_to_know(detector: str) -> None:
    page = detectors.detector_class(detector).RULE.page
    positions = [page.find(f"## {heading}\n") for heading in HEADINGS]

    assert -1 not in positions
    assert sorted(positions) == positions


@each_detector
def test_it_is_frozen_and_documents_its_parameters(detector: str) -> None:
    cls = detectors.detector_class(detector)

    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]  # typeshed does not know it
    for name in detectors.parameters(detector):
        assert f"        {name}: " in (cls.__doc__ or "")


@each_detector
def test_a_policy_can_write_its_parameters(detector: str) -> None:
    assert set(detectors.parameters(detector).values()) <= {int, float, bool, str}


@each_detector
def test_it_runs_on_defaults_and_takes_parameters_by_name(detector: str) -> None:
    default = detectors.create(detector, {})
    values = {name: getattr(default, name) for name in detectors.parameters(detector)}

    assert default == detectors.create(detector, values)
    with pytest.raises(TypeError):
        detectors.create(detector, {"no_such_parameter": 1})


@each_detector
def test_the_default_policy_has_a_block_for_it(detector: str) -> None:
    policy = yaml.safe_load((ROOT / "policies" / "default.yaml").read_text())

    assert 2.0 == policy["detectors"][detector]["max_anomaly_index"]


@each_detector
def test_it_has_a_test_of_its_own(detector: str) -> None:
    assert (Path(__file__).parent / f"test_{detector.replace('-', '_')}.py").is_file()
