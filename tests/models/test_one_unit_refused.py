"""One output unit that does not say how it tells two classes apart is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.core.training_loss import UNKNOWN, TrainingLoss
from gate.models.classifier import Classifier
from tests.models.endings import IMAGES, LOGITS, Ending, chain, ending_in

END = "expected a sigmoid, or a linear logit."
REFUSED: dict[str, tuple[Ending, TrainingLoss, str]] = {
    "a number without a loss": (
        lambda layers, x: layers.Dense(1)(x),
        UNKNOWN,
        "The one output unit is linear, trained with a loss that the file does not tell: it could be a regression; expected a "
        "sigmoid, or a loss that says that it is a logit.",
    ),
    "a number with a loss of its author's": (
        lambda layers, x: layers.Dense(1)(x),
        TrainingLoss("mine", from_logits=True),
        "The one output unit is linear, trained with the loss mine: it could be a regression; expected a sigmoid, or a loss that "
        "says that it is a logit.",
    ),
    "a regression": (
        lambda layers, x: layers.Dense(1)(x),
        TrainingLoss("mse"),
        "The output is linear and was trained with the loss mse: a regression; expected a classifier.",
    ),
    "a number taken for a probability": (
        lambda layers, x: layers.Dense(1)(x),
        TrainingLoss("binary_crossentropy"),
        "The one output unit is linear, and its loss binary_crossentropy takes it for a probability; expected a sigmoid, or "
        "from_logits=True.",
    ),
    "a tanh": (
        lambda layers, x: layers.Dense(1, "tanh")(x),
        TrainingLoss("mse"),
        "The one output unit is a tanh, trained with the loss mse; expected a sigmoid, or a tanh under a hinge loss.",
    ),
    "a softmax over one unit": (
        lambda layers, x: layers.Dense(1, "softmax")(x),
        TrainingLoss("binary_crossentropy"),
        "The output is a softmax over one unit, which is 1 for every image; expected a sigmoid, or two units.",
    ),
    "such a layer": (
        lambda layers, x: layers.Softmax()(layers.Dense(1)(x)),
        UNKNOWN,
        "The output is a softmax over one unit, which is 1 for every image; expected a sigmoid, or two units.",
    ),
    "1 - sigmoid": (
        lambda layers, x: 1.0 - layers.Dense(1, "sigmoid")(x),
        LOGITS,
        f"The one output unit ends in Subtract; {END}",
    ),
    "a scaled sigmoid": (
        lambda layers, x: layers.Rescaling(2.0)(layers.Dense(1, "sigmoid")(x)),
        LOGITS,
        f"The one output unit ends in Rescaling; {END}",
    ),
    "a shifted logit": (
        lambda layers, x: layers.Rescaling(1.0, 0.5)(layers.Dense(1)(x)),
        LOGITS,
        f"The one output unit ends in Rescaling; {END}",
    ),
    "one of two probabilities": (
        lambda layers, x: layers.Dense(2, "softmax")(x)[:, 1],
        UNKNOWN,
        f"The one output unit ends in GetItem; {END}",
    ),
    "another activation": (
        lambda layers, x: layers.Dense(1, "hard_sigmoid")(x),
        LOGITS,
        f"The one output unit ends in hard_sigmoid; {END}",
    ),
    "a recurrent head": (
        lambda layers, x: layers.SimpleRNN(1, activation="sigmoid")(layers.Reshape((2, 2))(x)),
        UNKNOWN,
        f"The one output unit ends in sigmoid; {END}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("end", "loss", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_say_how_it_tells_two_classes_apart_is_refused(
    keras: Any, end: Ending, loss: TrainingLoss, message: str
) -> None:
    with pytest.raises(IncompleteError) as error:
        Classifier(ending_in(keras, end), loss)

    assert ("BD003", message, True) == (error.value.rule, str(error.value), bool(error.value.hint))


def test_an_inner_network_at_the_end_is_refused(keras: Any) -> None:
    inner = chain(keras, keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid"))

    with pytest.raises(IncompleteError, match="The last layer is a model within the model"):
        Classifier(chain(keras, inner))


def test_a_score_that_ends_in_a_tie_is_refused(keras: Any) -> None:
    model = ending_in(
        keras, lambda layers, x: layers.Activation("sigmoid")(layers.Rescaling(1e-45)(layers.Dense(1)(x)))
    )
    model.layers[-3].set_weights([np.ones((4, 1)), np.full(1, 5.0)])

    with pytest.raises(IncompleteError, match="classes tie"):
        Classifier(model).require_order(IMAGES)
