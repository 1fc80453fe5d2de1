"""The gate builds the network that Keras loads, whatever is changed in the file: a bounded run of `make fuzz-differences`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.models.rebuild.layers import IN_CONV_NEXT, INNER_LAYERS, OPTIONS
from gate.models.rebuild.normalise import TRAINING_ENDINGS
from tests.corpus import differences
from tests.corpus.differences import OF_ONE, WRONG, Case, base_of, blindness, judged, run, twins
from tests.corpus.layer_cases import LAYERS, has_sampler, options_of

# Of the network around each layer, one change; with others from one run to the next only where a layer is added.
PLACES = (1, 5, 9)


# Which of their parameters say nothing of a finished layer.
WITHOUT_EFFECT = {"name", "dtype", "trainable", "renorm_momentum"}


def test_no_layer_and_no_option_is_forgotten() -> None:
    forgotten = [
        f"{layer}: {option}"
        for layer in OPTIONS
        for option in OPTIONS[layer] - INNER_LAYERS
        if not has_sampler(layer, option) and not option.endswith("_initializer")
    ]

    assert tuple(sorted(OPTIONS)) == LAYERS
    assert [] == forgotten


def test_what_the_gate_does_not_know_of_a_layer_is_off_or_without_effect(keras: Any) -> None:
    """A file may leave such an option out, or hold null or false for it: that has to be what Keras does without it."""
    unknown = {
        f"{layer}: {option.name}"
        for layer in LAYERS
        for option in parameters(keras, layer)
        if option.name not in OPTIONS[layer] | WITHOUT_EFFECT and not option.name.endswith(TRAINING_ENDINGS)
        if option.default not in (None, False)
    }

    assert set() == unknown


def parameters(keras: Any, layer: str) -> list[inspect.Parameter]:
    shelf = keras.src.applications.convnext if layer in IN_CONV_NEXT else keras.layers
    found = inspect.signature(getattr(shelf, layer).__init__).parameters.values()
    return [each for each in found if each.name != "self" and each.kind is each.POSITIONAL_OR_KEYWORD]


def test_the_same_number_gives_the_same_options() -> None:
    one, other = (
        [options_of(rng, "Conv2D") for _ in range(20)]
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )

    assert one == other


@pytest.mark.parametrize("first", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2, 3))])
def test_around_every_layer_the_gate_and_keras_build_one_network(keras: Any, first: int) -> None:
    numbers = range(first, len(LAYERS), 4)
    places = [number * OF_ONE + PLACES[number % len(PLACES)] for number in numbers]

    found = run(places, log=sys.stderr, alone=True)

    assert [] == found.wrong
    assert len(numbers) == sum(found.ended.values())
    assert found.ended["equal"] > len(numbers) // 5


@pytest.mark.slow
def test_more_changes(keras: Any) -> None:
    found = run(differences.from_number(100_000), seconds=60, log=sys.stderr)

    assert [] == found.wrong


def test_the_oracle_sees_what_it_is_there_for(keras: Any, tmp_path: Path) -> None:
    first = LAYERS.index("Dense") + len(LAYERS)
    base, other = (base_of(number * OF_ONE, tmp_path) for number in (first, first + len(LAYERS)))
    one, another = (judged(0, stored, "a file", tmp_path) for stored in (base, other))

    assert ["equal", "equal"] == [one.ended, another.ended]
    assert "" == blindness(one, another)
    described_alike = Case(1, "", "equal", digest=one.digest, keras=_answering(one, another))
    assert "answers differ" in blindness(one, described_alike)
    assert ["one digest"] == list(twins([one], described_alike))
    assert {"different", "crashed", "blind", "one digest"} == set(WRONG)


def _answering(one: Case, another: Case) -> Any:
    from dataclasses import replace

    assert one.keras is not None
    assert another.keras is not None
    return replace(one.keras, together=another.keras.together, alone=another.keras.alone)
