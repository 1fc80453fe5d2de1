from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.models.loading import load
from gate.triage.stored import read

Linear = Callable[..., Any]


def load_file(file: Path) -> Any:
    """Load a saved model as the worker does: triage reads the configuration, the loader rebuilds it."""
    kind = ModelFormat.HDF5 if file.suffix == ".h5" else ModelFormat.KERAS_ZIP
    stored = read(file, kind)
    return load(file, kind, stored.config, stored.keras_version)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_network_answers_as_before(linear_network: Linear, tmp_path: Path, suffix: str) -> None:
    network = linear_network()
    network.compile(loss="mse")
    network.save(tmp_path / f"model{suffix}")
    images = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)

    loaded = load_file(tmp_path / f"model{suffix}")

    np.testing.assert_allclose(np.asarray(network(images)), np.asarray(loaded(images)), atol=1e-6)
    assert not loaded.compiled


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(linear_network: Linear, tmp_path: Path, bad: float) -> None:
    network = linear_network()
    kernel, bias = network.get_weights()
    kernel[3, 2] = bad
    network.set_weights([kernel, bias])
    network.save(tmp_path / "model.keras")

    with pytest.raises(IncompleteError, match="NaN or infinite") as error:
        load_file(tmp_path / "model.keras")
    assert "BD001" == error.value.rule


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_network_without_an_input_shape_is_refused(keras: Any, tmp_path: Path) -> None:
    keras.Sequential([keras.layers.Dense(3)]).save(tmp_path / "model.keras")

    with pytest.raises(IncompleteError, match="saved without its input shape") as error:
        load_file(tmp_path / "model.keras")
    assert "BD003" == error.value.rule


@pytest.mark.parametrize("class_name", ["Lambda", "Evil\x1b[2JLayer"])
def test_a_layer_that_is_not_rebuilt_is_named_and_never_built(
    linear_network: Linear, tmp_path: Path, class_name: str
) -> None:
    linear_network().save(tmp_path / "model.keras")
    config = read(tmp_path / "model.keras", ModelFormat.KERAS_ZIP).config
    config["config"]["layers"][-1]["class_name"] = class_name

    with pytest.raises(IncompleteError) as error:
        load(tmp_path / "model.keras", ModelFormat.KERAS_ZIP, config, "3.15.1")

    assert "BD003" == error.value.rule
    assert class_name[:4] in str(error.value)
    assert str(error.value).isprintable()
