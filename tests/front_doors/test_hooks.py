"""The hooks that `.pre-commit-hooks.yaml` offers."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.discover.names import is_model
from gate.discover.unpacked import weights_beside
from gate.policy.loader import DISCOVERED
from gate.policy.waivers.loader import BASELINE, WAIVERS


@pytest.fixture(scope="module")
def hooks(root: Path) -> dict[str, dict[str, Any]]:
    manifest = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    return {hook["id"]: hook for hook in manifest}


def test_pre_commit_accepts_the_manifest(root: Path, tool: Callable[[str], str]) -> None:
    subprocess.run([tool("pre-commit"), "validate-manifest", root / ".pre-commit-hooks.yaml"], check=True)


def test_pre_commit_accepts_our_own_configuration(root: Path, tool: Callable[[str], str]) -> None:
    subprocess.run([tool("pre-commit"), "validate-config", root / ".pre-commit-config.yaml"], check=True)


@pytest.mark.parametrize("name", ["backdoor-gate", "backdoor-gate-triage"])
@pytest.mark.parametrize(
    "path",
    [
        "m.h5",
        "a/b c/m.hdf5",
        "m.keras",
        "M.KERAS",
        "m.h5.dvc",
        "m.keras.dvc",
        "models.dvc",
        "dvc.lock",
        "ml/dvc.lock",
        "served/variables/variables.data-00000-of-00001",
        "saved_model.pb",
        "served/keras_metadata.pb",
        "signs.keras/model.weights.npz",
        "signs.keras/config.json",
        "a/signs.keras/metadata.json",
        "served/1/saved_model.pb",
        "served/saved_model.pbtxt",
        "--policy=m.h5",
    ],
)
def test_a_model_is_passed_to_the_hook_and_known_to_the_gate(
    hooks: dict[str, dict[str, Any]], name: str, path: str
) -> None:
    assert re.search(hooks[name]["files"], path)
    assert is_model(path) or weights_beside(path, lambda _: False)


@pytest.mark.parametrize("name", ["backdoor-gate", "backdoor-gate-triage"])
@pytest.mark.parametrize(
    "path",
    [
        "h5",
        "m.h5.txt",
        "m.kerasx",
        "dvc",
        "not_saved_model.pb",
        "m.pb",
        "docs/keras.md",
        "web/config.json",
        ".keras/config.json",
    ],
)
def test_another_file_is_not_passed_to_the_hook(
    hooks: dict[str, dict[str, Any]], name: str, path: str
) -> None:
    assert not re.search(hooks[name]["files"], path)


def test_the_policy_hook_gets_the_files_in_which_the_gate_looks_for_its_policy(
    hooks: dict[str, dict[str, Any]],
) -> None:
    pattern = re.compile(hooks["backdoor-gate-policy"]["files"])

    assert all(pattern.search(path) for path in (*DISCOVERED, WAIVERS, BASELINE))
    assert not pattern.search(".github/workflows/backdoor-gate.yaml")
    assert not pattern.search("charts/backdoor-gate.yaml")


def test_no_file_name_can_be_read_as_an_option(hooks: dict[str, dict[str, Any]]) -> None:
    assert all("--" == hook["args"][-1] for hook in hooks.values())


def test_the_hook_installs_the_engine_that_the_package_asks_for(
    hooks: dict[str, dict[str, Any]], root: Path
) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert project["optional-dependencies"]["scan"] == hooks["backdoor-gate"]["additional_dependencies"]


def test_the_light_hooks_install_nothing_more(hooks: dict[str, dict[str, Any]]) -> None:
    light = [hook for name, hook in hooks.items() if name != "backdoor-gate"]

    assert not any("additional_dependencies" in hook for hook in light)


def test_hooks_never_run_beside_themselves(hooks: dict[str, dict[str, Any]]) -> None:
    assert all(hook["require_serial"] for hook in hooks.values())
