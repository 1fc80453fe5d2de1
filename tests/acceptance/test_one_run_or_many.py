"""Whether a model is scanned alone or with others, from a warm server or not, one or two at a time: the verdict is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Report = list[dict[str, Any]]


@pytest.fixture
def models(keras: Any, tmp_path: Path) -> list[Path]:
    """Networks that nobody trained, so small that all detectors are done with one in seconds."""
    layers = keras.layers
    for number_of_classes in (3, 5, 10):
        image = keras.Input((12, 12, 1))
        features = layers.Flatten()(layers.Conv2D(8, 3, strides=2, activation="relu")(image))
        model = keras.Model(image, layers.Dense(number_of_classes, activation="softmax")(features))
        model.save(tmp_path / f"{number_of_classes}.keras")
    return sorted(tmp_path.glob("*.keras"))  # the order of a report


@pytest.mark.slow
def test_together_or_alone_the_report_is_the_same(cli: Any, models: list[Path], tmp_path: Path) -> None:
    def scanned(jobs: int, *chosen: Path) -> Report:
        options = ("--input-range=0,1", f"--jobs={jobs}", "--no-cache", "--output=json=report.json")
        cli("check", *map(str, chosen), *options, cwd=tmp_path)
        artifacts: Report = json.loads((tmp_path / "report.json").read_text())["artifacts"]
        return [{name: value for name, value in each.items() if name != "seconds"} for each in artifacts]

    alone = [found for model in models for found in scanned(1, model)]

    assert all(each["evidence"][0]["status"] == "measured" for each in alone)
    assert alone == scanned(1, *models) == scanned(2, *models)
