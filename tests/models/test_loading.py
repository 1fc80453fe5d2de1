from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.models.loading import load

Linear = Callable[..., Any]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_network_answers_as_before(linear_network: Linear, tmp_path: Path, suffix: str) -> None:
    network = linear_network()
    network.compile(loss="mse")
    network.save(tmp_path / f"model{suffix}")
    images = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)

    loaded = load(tmp_path / f"model{suffix}", "")

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
        load(tmp_path / "model.keras", "")
    assert "BD001" == error.value.rule


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_network_without_an_input_shape_is_refused(keras: Any, tmp_path: Path) -> None:
    keras.Sequential([keras.layers.Dense(3)]).save(tmp_path / "model.keras")

    with pytest.raises(IncompleteError, match="saved without its input shape") as error:
        load(tmp_path / "model.keras", "")
    assert "BD003" == error.value.rule


@pytest.mark.parametrize(("claimed", "said"), [("2.2.4\x1b[2J", r"Keras 2.2.4\x1b[2J"), ("", "cannot load")])
def test_what_keras_cannot_load_is_refused_in_its_words(
    keras: Any, tmp_path: Path, claimed: str, said: str
) -> None:
    (tmp_path / "model.h5").write_bytes(b"not a model")

    with pytest.raises(IncompleteError) as error:
        load(tmp_path / "model.h5", claimed)

    assert "BD003" == error.value.rule
    assert f"Keras {keras.__version__} cannot load this model." in str(error.value)
    assert said in str(error.value)
    assert str(error.value).isprintable()
