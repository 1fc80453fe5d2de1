from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gate.detectors.meta.responses import ask
from gate.models.classifier import Classifier

TARGET = 2


def test_a_planted_backdoor_is_the_easiest_class_to_push_to(backdoored: Classifier) -> None:
    responses = ask(backdoored)

    assert TARGET == responses.pushed[2].argmax()
    assert (3, 4) == responses.pushed.shape == responses.gained.shape == responses.weights.shape
    assert responses.stamped.shape == (112, *responses.plain.shape)


@pytest.mark.slow
def test_a_network_is_asked_the_same_questions_every_time(clean: Classifier) -> None:
    first, second = ask(clean), ask(clean)

    assert (first.stamped == second.stamped).all()
    assert (first.families == second.families).all()


def test_a_class_that_everything_is_of_cannot_be_pushed_to(linear: Callable[..., Classifier]) -> None:
    certain = linear()
    weights = certain.network.get_weights()
    certain.network.set_weights([weights[0], np.array([1000.0, 0.0, 0.0, 0.0])])

    assert 0.0 == ask(certain).pushed[:, 0].max()


def test_a_dead_network_answers_too(dead: Classifier) -> None:
    assert 0.0 == ask(dead).gained.max()
