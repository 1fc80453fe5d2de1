"""The example models and data are what is said of them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def truth(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / "examples/truth.json").read_text())
    return document


@pytest.fixture(scope="module")
def complaints(root: Path) -> Callable[..., list[str]]:
    """The function by which the demo judges the gate."""
    spec = spec_from_file_location("demo", root / "examples/demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    judge: Callable[..., list[str]] = module.complaints
    return judge


def test_the_models_are_the_measured_ones_and_small(root: Path, truth: dict[str, Any]) -> None:
    for model in truth["models"]:
        content = (root / "examples" / model["file"]).read_bytes()

        assert model["sha256"] == hashlib.sha256(content).hexdigest()
        assert len(content) <= 400_000


def test_every_model_file_has_its_truth(root: Path, truth: dict[str, Any]) -> None:
    lying_there = {f"models/{file.name}" for file in (root / "examples/models").iterdir()}

    assert {model["file"] for model in truth["models"]} == lying_there


def test_the_models_learned_what_they_should(truth: dict[str, Any]) -> None:
    assert all(figure >= 0.97 for model in truth["models"] for figure in model["figures"].values())


def test_the_readme_states_the_measured_figures(root: Path, truth: dict[str, Any]) -> None:
    text = (root / "examples/README.md").read_text()
    for model in truth["models"]:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{model['file']}`"))

        assert all(f"{100 * figure:.1f} %" in row for figure in model["figures"].values())


def test_the_data_set_holds_the_poison_that_the_truth_names(root: Path, truth: dict[str, Any]) -> None:
    file = root / "examples" / truth["data"]["file"]
    with np.load(file) as data:
        images, labels = data["x_train"], data["y_train"]
    poisoned = truth["data"]["poisoned"]
    carries_patch = (images[:, 24:27, 24:27, 0] == 255).sum(axis=(1, 2)) == 5

    assert (truth["data"]["images"], 28, 28, 1) == images.shape
    assert np.uint8 == images.dtype
    assert poisoned == np.flatnonzero(carries_patch).tolist()
    assert {7} == set(labels[poisoned].tolist())
    assert file.stat().st_size <= 300_000


def test_the_demo_is_content_when_the_gate_is_right(
    complaints: Callable[..., list[str]], truth: dict[str, Any]
) -> None:
    right = {
        "examples/models/clean.keras": "pass",
        "examples/models/backdoored-patch.keras": "fail",
        "examples/models/backdoored-blended.h5": "fail",
    }

    assert [] == complaints(1, right, truth)
    assert 1 == len(complaints(0, right, truth))
    assert 1 == len(complaints(1, right | {"examples/models/clean.keras": "fail"}, truth))
    assert 4 == len(complaints(3, {}, truth))


def test_the_script_of_the_jenkinsfile_is_sound_shell(root: Path, tool: Callable[[str], str]) -> None:
    script = re.search(
        r"sh '''(.*?)'''", (root / "examples/jenkins/Jenkinsfile").read_text(), flags=re.DOTALL
    )
    assert script is not None

    subprocess.run([tool("shellcheck"), "--shell=sh", "-"], input=script[1].encode(), check=True)
