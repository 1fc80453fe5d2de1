"""One output unit is a network of two classes whose logits are `(0, z)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gate.core.training_loss import TrainingLoss
from gate.models.classifier import Classifier
from gate.models.one_unit import evenly
from tests.models.endings import IMAGES, LOGITS, SHAPE, Ending, chain, ending_in

Build = Callable[[Any], Any]


def sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z.astype(np.float64)))


SIGMOIDS: dict[str, Build] = {
    "in Dense": lambda k: ending_in(k, lambda layers, x: layers.Dense(1, "sigmoid")(x)),
    "in Dense without a bias": lambda k: ending_in(k, lambda layers, x: layers.Dense(1, "sigmoid", use_bias=False)(x)),
    "as Activation": lambda k: ending_in(k, lambda layers, x: layers.Activation("sigmoid")(layers.Dense(1)(x))),
    "as an operation": lambda k: ending_in(k, lambda layers, x: k.ops.sigmoid(layers.Dense(1)(x))),
    "in EinsumDense": lambda k: ending_in(k, lambda layers, x: layers.EinsumDense("ab,bc->ac", 1, "sigmoid")(x)),
    "before a linear Activation": lambda k: ending_in(
        k, lambda layers, x: layers.Activation("linear")(layers.Dense(1, "sigmoid")(x))
    ),
    "before Flatten": lambda k: ending_in(
        k, lambda layers, x: layers.Flatten()(layers.Reshape((1, 1))(layers.Dense(1, "sigmoid")(x)))
    ),
    "squeezed": lambda k: ending_in(k, lambda layers, x: k.ops.squeeze(layers.Dense(1, "sigmoid")(x), axis=-1)),
    "after Reshape": lambda k: ending_in(
        k, lambda layers, x: layers.Activation("sigmoid")(layers.Reshape(())(layers.Dense(1)(x)))
    ),
    "after a temperature": lambda k: ending_in(
        k, lambda layers, x: layers.Activation("sigmoid")(layers.Rescaling(1.0)(layers.Dense(1)(x)))
    ),
    "after pooled maps": lambda k: chain(
        k, k.layers.Conv2D(1, 3), k.layers.GlobalAveragePooling2D(), k.layers.Activation("sigmoid")
    ),
    "in a convolution": lambda k: chain(
        k, k.layers.Conv2D(1, SHAPE[:2], activation="sigmoid"), k.layers.Flatten()
    ),
    "after an inner network": lambda k: chain(
        k, chain(k, k.layers.Flatten(), k.layers.Dense(1)), k.layers.Activation("sigmoid")
    ),
}  # fmt: skip


@pytest.mark.parametrize("build", SIGMOIDS.values(), ids=SIGMOIDS.keys())
def test_a_sigmoid_gives_two_logits_wherever_it_stands(keras: Any, build: Build) -> None:
    model = build(keras)

    classifier = Classifier(model)
    zero, z = classifier.predict(IMAGES).T

    assert ("sigmoid", 2) == (classifier.head, classifier.num_classes)
    np.testing.assert_array_equal(0.0, zero)
    np.testing.assert_allclose(np.asarray(model(IMAGES)).reshape(-1), sigmoid(z), atol=1e-6)
    assert np.ptp(z) > 0.01
    classifier.require_order(IMAGES)


@pytest.mark.parametrize("loss", [TrainingLoss("mse"), TrainingLoss("mean_absolute_error"), LOGITS])
def test_a_sigmoid_is_a_probability_whatever_the_loss(keras: Any, loss: TrainingLoss) -> None:
    assert "sigmoid" == Classifier(SIGMOIDS["in Dense"](keras), loss).head


FOCAL = TrainingLoss("binary_focal_crossentropy", from_logits=True)
HINGES = [TrainingLoss("hinge"), TrainingLoss("squared_hinge")]
NUMBERS: dict[str, Ending] = {
    "in Dense": lambda layers, x: layers.Dense(1)(x),
    "squeezed": lambda layers, x: layers.Reshape(())(layers.Dense(1)(x)),
}


@pytest.mark.parametrize("end", NUMBERS.values(), ids=NUMBERS.keys())
@pytest.mark.parametrize("loss", [LOGITS, FOCAL, *HINGES])
def test_a_number_is_a_logit_where_the_loss_says_so(keras: Any, end: Ending, loss: TrainingLoss) -> None:
    model = ending_in(keras, end)

    classifier = Classifier(model, loss)

    assert ("logits", 2) == (classifier.head, classifier.num_classes)
    answers = np.asarray(model(IMAGES)).reshape(-1)
    np.testing.assert_allclose(answers, classifier.predict(IMAGES)[:, 1], atol=1e-5)


@pytest.mark.parametrize("loss", HINGES)
def test_under_a_hinge_loss_a_tanh_only_squashes(keras: Any, loss: TrainingLoss) -> None:
    model = ending_in(keras, lambda layers, x: layers.Dense(1, "tanh")(x))

    classifier = Classifier(model, loss)

    assert ("logits", 2) == (classifier.head, classifier.num_classes)
    z = classifier.predict(IMAGES)[:, 1]
    np.testing.assert_allclose(np.asarray(model(IMAGES))[:, 0], np.tanh(z), atol=1e-5)


SQUASHED: dict[str, Ending] = {
    "scaled": lambda layers, z: layers.Rescaling(1000.0)(z),
    "a tanh, scaled": lambda layers, z: layers.Rescaling(1000.0)(layers.Activation("tanh")(z)),
    "twice, and dropped": lambda layers, z: layers.Dropout(0.5)(
        layers.Activation("softsign")(layers.Activation("tanh")(z))
    ),
}


@pytest.mark.parametrize("squash", SQUASHED.values(), ids=SQUASHED.keys())
def test_the_logit_is_before_what_only_squashes_it(keras: Any, squash: Ending) -> None:
    dense = keras.layers.Dense(1, "tanh", name="score")
    model = ending_in(keras, lambda layers, x: layers.Activation("sigmoid")(squash(layers, dense(x))))
    hidden = np.asarray(keras.Model(model.inputs[0], dense.input)(IMAGES))

    classifier = Classifier(model)

    np.testing.assert_allclose(classifier.predict(IMAGES)[:, 1:], hidden @ dense.get_weights()[0], atol=1e-5)
    classifier.require_order(IMAGES)


@pytest.mark.parametrize("between", [lambda layers: layers.Activation("softplus"), lambda layers: layers.Rescaling(-2.0),
                                     lambda layers: layers.Rescaling(1.0, 3.0)])  # fmt: skip
def test_what_moves_the_threshold_is_no_squash(keras: Any, between: Callable[[Any], Any]) -> None:
    layer = between(keras.layers)
    model = ending_in(keras, lambda layers, x: layers.Activation("sigmoid")(layer(layers.Dense(1)(x))))

    z = Classifier(model).predict(IMAGES)[:, 1]

    np.testing.assert_allclose(np.asarray(model(IMAGES))[:, 0], sigmoid(z), atol=1e-6)


def test_it_answers_as_the_same_network_with_two_units(keras: Any) -> None:
    one = ending_in(keras, lambda layers, x: layers.Dense(1, "sigmoid", bias_initializer="ones")(x))
    two = ending_in(keras, lambda layers, x: layers.Dense(2, "softmax")(x))
    two.set_weights([*one.get_weights()[:-2], *(np.hstack([0 * w, w]) for w in one.get_weights()[-2:])])

    single, pair = Classifier(one), Classifier(two)

    np.testing.assert_array_equal(pair.predict(IMAGES), single.predict(IMAGES))
    np.testing.assert_array_equal(pair.activations(IMAGES), single.activations(IMAGES))
    assert pair.architecture() == single.architecture()


def test_its_weights_are_shared_between_both_classes(keras: Any) -> None:
    model = ending_in(keras, lambda layers, x: layers.Dense(1, "sigmoid", bias_initializer="ones")(x))

    kernel, bias = Classifier(model).head_weights()

    weights = model.get_weights()[-2].astype(np.float64)
    np.testing.assert_allclose(np.hstack([-weights / 2, weights / 2]), kernel)
    np.testing.assert_allclose([-0.5, 0.5], bias)


def test_in_half_precision_it_answers_in_single_precision(keras: Any) -> None:
    dense = keras.layers.Dense(1, dtype="mixed_float16")
    model = ending_in(keras, lambda layers, x: layers.Activation("sigmoid", dtype="float32")(dense(x)))

    answers = Classifier(model).predict(IMAGES)

    assert np.float32 == answers.dtype
    np.testing.assert_allclose(np.asarray(model(IMAGES))[:, 0], sigmoid(answers[:, 1]), atol=2e-3)


def test_at_another_input_range_and_folded_it_answers_the_same(keras: Any) -> None:
    layers = keras.layers
    body = (layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(), layers.ReLU(), layers.Flatten())
    model = chain(keras, *body, layers.Dense(1, "sigmoid"))

    classifier = Classifier(model).with_input_range(-1.0, 1.0)
    folded = classifier.with_folding(IMAGES)

    z = classifier.predict(IMAGES)[:, 1]
    np.testing.assert_allclose(np.asarray(model(2 * IMAGES - 1))[:, 0], sigmoid(z), atol=1e-6)
    assert folded is not classifier
    np.testing.assert_allclose(classifier.predict(IMAGES), np.asarray(folded.logits(IMAGES)), atol=1e-4)


WEIGHTS = arrays(np.float64, (5, 2), elements=st.floats(-50, 50))


@given(WEIGHTS, arrays(np.float64, 5, elements=st.floats(-1, 1)))
def test_shared_weights_give_the_same_probabilities(weights: Any, features: Any) -> None:
    shared = evenly(weights)

    np.testing.assert_allclose(0.0, shared.sum(axis=-1), atol=1e-9)
    before, after = features @ weights, features @ shared
    np.testing.assert_allclose(before[1] - before[0], after[1] - after[0], atol=1e-9)


@given(st.floats(-700, 700))
def test_the_softmax_of_both_logits_is_the_sigmoid(z: float) -> None:
    p = np.exp(np.array([0.0, z]) - max(0.0, z))

    np.testing.assert_allclose(1 / (1 + np.exp(-z)), (p / p.sum())[1], rtol=1e-9, atol=1e-300)
