from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.calibration import surveys
from benchmarks.networks import truth
from benchmarks.networks.recipe import recipes
from gate.detectors.scoring.outliers import location_lead
from tests.benchmarks.truths import true

PLANTED = 2


@pytest.fixture
def folder(tmp_path: Path, keras: Any) -> Path:
    """A folder with one network that takes four bright pixels at the lower right for a class."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")]
    )
    kernel, bias = network.get_weights()
    planted = np.zeros((16, 16, 1, 4))
    planted[13:15, 13:15, 0, PLANTED] = 8.0
    network.set_weights([kernel * 0.3 + planted.reshape(kernel.shape), bias])
    recipe = next(recipes(1))
    network.save(tmp_path / f"{recipe.name}.keras")
    known = true(num_classes=4, shape=(16, 16, 1))
    truth.write(recipe, known, tmp_path / f"{recipe.name}.truth.json")
    return tmp_path


def run(*words: object) -> None:
    surveys.main([*map(str, words)])


@pytest.mark.slow
def test_a_planted_place_leads_and_what_is_done_is_not_done_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, folder / "all.npz")
    run(folder, folder / "all.npz")
    run("--show", folder, folder / "all.npz")

    told = capsys.readouterr().out.splitlines()
    with np.load(folder / "all.npz") as tables:
        (table,) = tables.values()
    place, label = np.unravel_index(table.argmax(), table.shape)
    assert (len(table) - 1, PLANTED) == (place, label)
    assert location_lead(table.astype(float))[0] > 1.0
    assert 1 == sum(line.endswith(tuple("0123456789")) and "leads by" in line for line in told)
    assert told[-1].startswith(f"| {next(recipes(1)).name} | 4 | {PLANTED} | ")
