"""How large a network's logits are is its author's choice; what is found must not depend on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.calibrate_input.logit_scale import LEAST_SURE, SUREST, pictures, rescale_logits, usual_lead
from gate.models.classifier import Classifier
from gate.models.surrogates.selection import probes

Linear = Callable[..., Any]


@pytest.mark.parametrize(
    ("scale", "lead"), [(1e4, SUREST), (1e6, SUREST), (1e20, SUREST), (1e-4, LEAST_SURE), (1e-9, LEAST_SURE)]
)
def test_a_network_that_is_surer_or_less_sure_than_training_makes_any_is_tempered(
    linear_network: Linear, scale: float, lead: float
) -> None:
    hot, images = Classifier(linear_network(scale)), probes("strokes", (12, 12, 1), 3)
    before = hot.predict(images)

    hot = rescale_logits(hot, pictures(hot, 0))

    after = hot.predict(images)
    assert lead == pytest.approx(usual_lead(hot, pictures(hot, 0)), rel=1e-5)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_allclose(before, hot.temperature * after, rtol=1e-5)


def test_any_other_answers_as_it_did_to_the_bit(linear_network: Linear) -> None:
    usual, images = Classifier(linear_network()), probes("strokes", (12, 12, 1), 3)
    before = usual.predict(images)

    same = rescale_logits(usual, pictures(usual, 0))

    assert same is usual
    np.testing.assert_array_equal(before, usual.predict(images))


def test_it_stays_so_at_another_input_range(linear_network: Linear) -> None:
    hot = Classifier(linear_network(1e6))
    hot = rescale_logits(hot, pictures(hot, 0))

    assert usual_lead(hot.with_input_range(0.0, 0.5), pictures(hot.with_input_range(0.0, 0.5), 0)) < SUREST


def test_a_network_that_says_the_same_of_all_pictures_is_left_alone(linear_network: Linear) -> None:
    dead = Classifier(linear_network(0.0))

    assert rescale_logits(dead, pictures(dead, 0)) is dead
