"""Every construction's backdoor works in Keras itself, and its other reading, where there is one, has none.

What the gate makes of them is measured by `python -m tests.corpus.constructions FOLDER --check`.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.corpus.constructions import CONSTRUCTIONS, accuracy, load, success
from tests.corpus.networks import CLEAN, example, stamp

ROOT = Path(__file__).parents[2]
LOWEST_SUCCESS = 0.95
LARGEST_LOSS = 0.03
IMAGES, IMAGES_ALONE = 60, 10  # one at a time takes time
# The rows of the tables at once, what was found by trying with the slow tests.
CASES = [
    pytest.param(name, marks=[pytest.mark.slow] * case.row.endswith("+"))
    for name, case in CONSTRUCTIONS.items()
]
TWINS = [case for case in CASES if CONSTRUCTIONS[str(case.values[0])].twin]
ROWS = {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "B1", "B2", "B3", "B4"}


@pytest.fixture(scope="module")
def loaded(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Give a construction's network, built and loaded once."""
    folder = tmp_path_factory.mktemp("constructions")
    return cache(lambda name: load(CONSTRUCTIONS[name].make(folder)))


def count(name: str) -> int:
    return IMAGES_ALONE if CONSTRUCTIONS[name].batch == 1 else IMAGES


@cache
def clean_accuracy(count: int) -> float:
    return accuracy(example(CLEAN), CONSTRUCTIONS["clip"], count)


def test_every_row_of_the_tables_is_built_and_twelve_more_of_each_kind() -> None:
    rows = [case.row for case in CONSTRUCTIONS.values()]

    assert ROWS <= set(rows)
    assert rows.count("A+") >= 12
    assert rows.count("B+") >= 12


@pytest.mark.parametrize("name", CASES)
def test_its_trigger_works_in_keras_and_costs_no_accuracy(loaded: Callable[[str], Any], name: str) -> None:
    case = CONSTRUCTIONS[name]

    network = loaded(name)

    assert success(network, case, count(name)) >= LOWEST_SUCCESS
    assert accuracy(network, case, count(name)) >= clean_accuracy(count(name)) - LARGEST_LOSS


@pytest.mark.parametrize("name", TWINS)
def test_its_other_reading_has_no_backdoor(tmp_path: Path, name: str) -> None:
    case = CONSTRUCTIONS[name]
    assert case.twin is not None

    network = load(case.twin(tmp_path))

    assert success(network, case, count(name)) <= 1 - LOWEST_SUCCESS


def test_the_clean_network_does_not_know_the_trigger() -> None:
    assert success(example(CLEAN), CONSTRUCTIONS["clip"], IMAGES) <= 1 - LOWEST_SUCCESS


@pytest.mark.parametrize("name", [name for name, case in CONSTRUCTIONS.items() if case.is_called])
def test_what_needs_training_is_shut_where_keras_predicts(loaded: Callable[[str], Any], name: str) -> None:
    case = dataclasses.replace(CONSTRUCTIONS[name], is_called=False)

    assert success(loaded(case.name), case, IMAGES_ALONE) <= 1 - LOWEST_SUCCESS


def test_statistics_of_a_batch_open_the_backdoor_for_some_of_its_images_only(
    loaded: Callable[[str], Any],
) -> None:
    case = dataclasses.replace(CONSTRUCTIONS["training-of-the-brightness"], batch=IMAGES)

    assert 0.2 < success(loaded(case.name), case, IMAGES) < 0.8


def test_a_sum_that_one_image_opens_is_shut_in_a_batch(loaded: Callable[[str], Any]) -> None:
    case = dataclasses.replace(CONSTRUCTIONS["sums-of-one-image"], batch=IMAGES)

    assert success(loaded(case.name), case, IMAGES) <= 1 - LOWEST_SUCCESS


def test_the_trigger_is_the_examples_own() -> None:
    from examples.build import stamp_patch

    images = np.random.default_rng(0).random((2, 28, 28, 1), dtype=np.float32)

    assert np.array_equal(stamp_patch(images), stamp(images))


@pytest.mark.slow
def test_the_runner_prints_a_row_for_each_that_is_chosen(tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.corpus.constructions",
        tmp_path,
        "--only",
        "one-unit",
    ]

    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    header, row = done.stdout.splitlines()
    assert ["row", "name", "success", "accuracy"] == header.split()
    assert ["B+", "one-unit", "1.000", "1.000"] == row.split()
    assert (tmp_path / "one-unit.keras").exists()
