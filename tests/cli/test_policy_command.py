"""Policies are checked, shown and described without scanning anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

Told = tuple[int, str, str]
Run = Callable[..., Told]


@pytest.mark.parametrize("name", ["default", "strict", "paper", "research"])
def test_built_in_policies_are_valid(told: Run, name: str) -> None:
    code, out, err = told("policy", "check", name)

    assert (0, "") == (code, err)
    assert f"built-in {name}: valid (sha256 " in out


def test_the_policy_that_check_would_find_is_checked(told: Run, tmp_path: Path) -> None:
    (tmp_path / ".backdoor-gate.yaml").write_text("version: 1\n")

    code, out, _ = told("policy", "check")

    assert 0 == code
    assert out.startswith(".backdoor-gate.yaml: valid")


def test_every_mistake_of_every_file_is_named_with_its_place(told: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nmax_scor: 1\nlimits: {seconds: soon}\n")
    (tmp_path / "b.yaml").write_text("version: 2\n")
    (tmp_path / "c.yaml").write_text("version: 1\n")

    code, out, err = told("policy", "check", "a.yaml", "b.yaml", "c.yaml")

    assert 2 == code
    assert out.startswith("c.yaml: valid")
    for place in ("a.yaml:2:1: ", "a.yaml:3:19: ", "b.yaml:1:10: "):
        assert f"backdoor-gate: {place}" in err


def test_a_policy_is_shown_as_it_is_applied_and_stays_a_policy(told: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("version: 1\nextends: strict\nlimits: {seconds: 7}\n")

    shown = told("policy", "show", "mine.yaml")[1]
    (tmp_path / "shown.yaml").write_text(shown)

    resolved = yaml.safe_load(shown)
    assert 7 == resolved["limits"]["seconds"]
    assert 1.5 == resolved["detectors"]["neural-cleanse"]["max_anomaly_index"]
    assert 0 == told("policy", "check", "shown.yaml")[0]


def test_overrides_are_shown_for_one_model(told: Run, tmp_path: Path) -> None:
    override = "- match: 'big/**'\n  reason: large\n  limits: {seconds: 7}\n"
    (tmp_path / "mine.yaml").write_text(f"version: 1\npaths:\n{override}")

    shown = told("policy", "show", "mine.yaml", "--path", "big/model.keras")[1]

    assert 7 == yaml.safe_load(shown)["limits"]["seconds"]


def test_the_schema_judges_the_built_in_policies(told: Run) -> None:
    schema = json.loads(told("policy", "schema")[1])

    for file in (Path(__file__).parents[2] / "policies").glob("*.yaml"):
        Draft202012Validator(schema).validate(yaml.safe_load(file.read_text()))
