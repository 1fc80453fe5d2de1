"""The action and the workflows, as they are written."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = (".github/workflows/ci.yml", "examples/github/model-gate.yml")
EVERYTHING = ("action.yml", *WORKFLOWS)
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OURS = re.compile(r"\bGATE_[A-Z_]+")


@pytest.fixture(scope="module")
def action(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((root / "action.yml").read_text())
    return document


@pytest.fixture(scope="module")
def scripts(root: Path) -> list[Path]:
    return [*sorted((root / "action").glob("*.sh")), root / ".ci/run", root / ".ci/venv"]


def _runs(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document["run"]] if isinstance(document.get("run"), str) else []
        return own + [run for value in document.values() for run in _runs(value)]
    return [run for value in document for run in _runs(value)] if isinstance(document, list) else []


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_expression_is_pasted_into_a_script(root: Path, name: str) -> None:
    runs = _runs(yaml.safe_load((root / name).read_text()))

    assert not [run for run in runs if "${{" in run]


@pytest.mark.parametrize("name", EVERYTHING)
def test_other_peoples_actions_are_pinned_by_commit_and_say_their_version(root: Path, name: str) -> None:
    uses = re.findall(r"^\s*-? ?uses: (.+)$", (root / name).read_text(), flags=re.MULTILINE)

    assert uses
    assert not [use for use in uses if not use.startswith("./ ") and not PINNED.fullmatch(use)]


def test_each_action_is_pinned_to_one_commit(root: Path) -> None:
    text = "".join((root / name).read_text() for name in EVERYTHING)
    pins = set(re.findall(r"([\w./-]+)@([0-9a-f]{40})", text))

    assert len({name for name, _ in pins}) == len(pins)


def test_no_default_overrides_the_policy(action: dict[str, Any]) -> None:
    decided = {name for name, about in action["inputs"].items() if "default" in about}

    assert {"python-version", "fail", "summary"} == decided


def test_every_input_reaches_a_script(action: dict[str, Any], scripts: list[Path]) -> None:
    steps = action["runs"]["steps"]
    handed = {name for step in steps for name in step.get("env", {}) if OURS.fullmatch(name)}
    read = {
        name for script in scripts for name in OURS.findall(script.read_text()) if "action" in str(script)
    }
    used = re.findall(r"inputs\.([a-z-]+)", str(steps))

    assert set(action["inputs"]) == set(used)
    assert handed == read


def test_every_output_is_one_that_the_scan_writes(action: dict[str, Any], root: Path) -> None:
    written = set(re.findall(r"\boutput ([a-z-]+) ", (root / "action/scan.sh").read_text()))

    assert written == set(action["outputs"])
    assert all(f"steps.gate.outputs.{name} " in about["value"] for name, about in action["outputs"].items())


def test_the_action_follows_githubs_schema(root: Path, tool: Callable[[str], str]) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", root / "action.yml"]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_follows_githubs_schema(root: Path, tool: Callable[[str], str], name: str) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", root / name]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actionlint_has_nothing_to_say(root: Path, tool: Callable[[str], str], name: str) -> None:
    subprocess.run(
        [tool("actionlint"), "-no-color", f"-shellcheck={tool('shellcheck')}", root / name], check=True
    )


def test_zizmor_has_nothing_to_say(root: Path, tool: Callable[[str], str]) -> None:
    files = [root / name for name in EVERYTHING]
    subprocess.run([tool("zizmor"), "--offline", "--no-progress", *files], check=True)


def test_shellcheck_has_nothing_to_say(scripts: list[Path], tool: Callable[[str], str]) -> None:
    subprocess.run([tool("shellcheck"), *scripts], check=True)
