"""Whatever a config holds: it is rebuilt or refused, never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.models.loading import load
from gate.triage.stored import read

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 2**24, 2**31, 10**30, 1.5, float("nan"), float("inf"), "", "linear", "valid", "x" * 500,
    [], [[]], [1], [None], [1, 2, 3], ["a", 0, 0], {}, {"a": 1}, {"class_name": "Dense", "config": {"units": 3}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}},
    {"class_name": "function", "config": "relu"},
)  # fmt: skip
KEYS = ("units", "evil", "axis", "module", "layer", "config", "class_name", "inbound_nodes")


def network(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((6, 6, 1), name="image")
    x = layers.BatchNormalization()(layers.Conv2D(2, 3)(image))
    inner = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(2, 1)])
    x = layers.TimeDistributed(layers.Flatten())(layers.Add()([x, inner(x)]) * 0.5)
    return keras.Model(image, layers.Dense(3, "softmax")(layers.Bidirectional(layers.LSTM(2))(x)))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


def mutate(config: Any, path: tuple[Any, ...], chance: random.Random) -> None:
    for key in path[:-1]:
        config = config[key]
    kind = chance.random()
    if kind < 0.15:
        del config[path[-1]]
    elif kind < 0.25 and isinstance(config, dict):
        config[chance.choice(KEYS)] = copy.deepcopy(chance.choice(VALUES))
    else:
        config[path[-1]] = copy.deepcopy(chance.choice(VALUES))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_changed_config_is_rebuilt_or_refused(keras: Any, saved: Any, seed: int) -> None:
    file: Path = saved(network(keras))
    config = read(file, ModelFormat.KERAS_ZIP).config
    chance = random.Random(seed)
    everywhere = list(places(config))

    outcomes = set()
    for _ in range(40):
        changed = copy.deepcopy(config)
        mutate(changed, chance.choice(everywhere), chance)
        try:
            load(file, ModelFormat.KERAS_ZIP, changed, "3.15.1")
            outcomes.add("rebuilt")
        except IncompleteError as refused:
            outcomes.add(refused.rule)

    assert {"rebuilt", "BD001", "BD003"} == outcomes
    assert "float32" == keras.config.floatx()
