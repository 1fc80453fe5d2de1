from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.core.errors import UsageError
from gate.detectors.meta_neural_analysis import TABLE
from gate.pipeline.parameter_files import parameters
from gate.policy.model import DetectorPolicy, PathPolicy, Policy
from gate.policy.store import WorkingTree


def meta(name: str) -> DetectorPolicy:
    return DetectorPolicy(id="meta-neural-analysis", parameters=(("model", name),))


def test_a_meta_model_travels_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(TABLE.read_text())

    assert {"model": TABLE.read_text()} == json.loads(
        parameters(meta("meta.json"), tmp_path, WorkingTree(root=tmp_path))
    )


def test_other_parameters_travel_as_they_are(tmp_path: Path) -> None:
    detector = DetectorPolicy(id="maximum-margin", parameters=(("steps", 5),))

    assert {"steps": 5} == json.loads(parameters(detector, tmp_path, WorkingTree(root=tmp_path)))
    assert {"model": ""} == json.loads(parameters(meta(""), tmp_path, WorkingTree(root=tmp_path)))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read: No such file"), ("{}", "expected a meta-model")]
)
def test_a_file_that_is_none_is_refused_with_what_makes_one(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "meta.json").write_text(content)

    with pytest.raises(UsageError, match=rf"meta\.json: .*{message}") as caught:
        parameters(meta("meta.json"), tmp_path, WorkingTree(root=tmp_path))

    assert "meta train" in caught.value.hint


@pytest.mark.parametrize("path", ["m.h5", "a/b/m.keras", ".hidden/m.h5"])
def test_a_meta_model_of_the_command_line_is_asked_for_every_path(path: str) -> None:
    off = DetectorPolicy(id="meta-neural-analysis", enabled=False, max_anomaly_index=1.5)
    policy = Policy(source="test", settings=PathPolicy(detectors=(off,))).with_meta_model("meta.json")

    (found,) = policy.for_path(path).detectors

    assert (True, 1.5, (("model", "meta.json"),)) == (
        found.enabled,
        found.max_anomaly_index,
        found.parameters,
    )
