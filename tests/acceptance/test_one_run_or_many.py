"""Whether a model is scanned alone or with others, from a warm server or not, one or two at a time: the verdict is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

# So few steps that the verdict means nothing; what counts is that it is the same.
POLICY = """
version: 1
detectors:
  neural-cleanse: {parameters: {restarts: 1, steps: 3, images: 4}}
  universal-patch: {parameters: {restarts: 1, steps: 3, images: 4}}
  universal-perturbation: {parameters: {steps: 3, images: 4}}
  maximum-margin: {parameters: {restarts: 1, steps: 3}}
  class-permutation: {parameters: {restarts: 1, steps: 6}}
"""

Report = list[dict[str, Any]]


@pytest.mark.slow
def test_together_or_alone_the_report_is_the_same(cli: Any, examples: Path, tmp_path: Path) -> None:
    models = sorted((examples / "models").iterdir())
    (tmp_path / "policy.yaml").write_text(POLICY)

    def scanned(jobs: int, *chosen: Path) -> Report:
        options = ("--policy=policy.yaml", f"--jobs={jobs}", "--no-cache", "--output=json=report.json")
        cli("check", *map(str, chosen), *options, cwd=tmp_path)
        artifacts: Report = json.loads((tmp_path / "report.json").read_text())["artifacts"]
        return [{name: value for name, value in each.items() if name != "seconds"} for each in artifacts]

    alone = [found for model in models for found in scanned(1, model)]

    assert all(each["evidence"][0]["status"] == "measured" for each in alone)
    assert alone == scanned(1, *models) == scanned(2, *models)
