from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.detectors.meta.features import describe
from gate.detectors.meta.responses import Responses

CLASSES, IMAGES, PATCHES, BLENDS = 5, 20, 4, 3


def responses(seed: int = 0) -> Responses:
    """Return what a network answers that has no opinion."""
    rng = np.random.default_rng(seed)
    plain = rng.normal(size=(IMAGES, CLASSES)) + 4 * np.eye(CLASSES)[np.arange(IMAGES) % CLASSES]
    return Responses(
        families=rng.normal(size=(2, 30, CLASSES)),
        plain=plain,
        stamped=plain + 0.01 * rng.normal(size=(PATCHES + BLENDS, IMAGES, CLASSES)),
        patches=PATCHES,
        pushed=rng.random((3, CLASSES)),
        gained=rng.random((3, CLASSES)),
        weights=rng.random((3, CLASSES)) + 0.5,
    )


def answering(labels: np.ndarray, row: int) -> Responses:
    """Return what a network answers that the trigger `row` sends to these labels."""
    found = responses()
    stamped = found.stamped.copy()
    stamped[row] = 4 * np.eye(CLASSES)[labels]
    return dataclasses.replace(found, stamped=stamped)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.permutations(range(CLASSES)))
def test_the_order_of_the_classes_does_not_matter(seed: int, order: list[int]) -> None:
    found = responses(seed)
    changed = {
        field.name: value[..., order] if isinstance(value, np.ndarray) else value
        for field in dataclasses.fields(found)
        for value in [getattr(found, field.name)]
    }

    assert describe(found) == pytest.approx(describe(Responses(**changed)))


@pytest.mark.parametrize(("row", "kind"), [(1, "patch"), (5, "blend")])
def test_a_trigger_that_rules_stands_out(row: int, kind: str) -> None:
    found = describe(answering(np.full(IMAGES, 3), row))

    assert 1.0 == pytest.approx(found[f"{kind}_best_flip_lead"])
    assert found["permutation"] <= 0.0
    assert describe(responses())[f"{kind}_best_flip_lead"] == 0.0


def test_a_trigger_that_sends_every_class_to_the_next_is_a_permutation() -> None:
    found = describe(answering((np.arange(IMAGES) + 1) % CLASSES, 1))

    assert found["permutation"] > 0.7


def test_a_network_of_few_known_images_has_no_permutation() -> None:
    found = responses()
    few = dataclasses.replace(found, plain=found.plain[:4], stamped=found.stamped[:, :4])

    assert 0.0 == describe(few)["permutation"]


def test_a_network_that_never_changes_its_mind_is_described() -> None:
    zeros = {
        field.name: np.zeros_like(value) if isinstance(value, np.ndarray) else value
        for field in dataclasses.fields(Responses)
        for value in [getattr(responses(), field.name)]
    }

    assert np.isfinite(list(describe(Responses(**zeros)).values())).all()
