from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.core.training_loss import UNKNOWN, TrainingLoss
from gate.models.classifier import Classifier, _batches

Build = Callable[[Any], Any]
Linear = Callable[..., Any]
SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def network(keras: Any, *layers: Any, shape: tuple[int | None, ...] = SHAPE) -> Any:
    return keras.Sequential([keras.Input(shape), *layers])


def flat(keras: Any, *layers: Any) -> Any:
    return network(keras, keras.layers.Flatten(), *layers)


def softmax_of(logits: Any) -> Any:
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def applied_twice(keras: Any, last: Any) -> Any:
    image = keras.Input(SHAPE)
    hidden = last(keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    return keras.Model(image, last(keras.layers.Dense(3)(hidden)))


def ending_in_an_operation(keras: Any) -> Any:
    image = keras.Input(SHAPE)
    return keras.Model(image, keras.ops.softmax(keras.layers.Dense(3)(keras.layers.Flatten()(image))))


def with_a_listed_input(keras: Any) -> Any:
    image = keras.Input(SHAPE)
    head = keras.layers.Dense(3, "softmax")
    return keras.Model([image], [head(keras.layers.Flatten()(image))])


def in_half_precision(keras: Any) -> Any:
    dense = keras.layers.Dense(3, dtype="mixed_float16")
    return flat(keras, dense, keras.layers.Activation("softmax", dtype="float32"))


SOFTMAX: dict[str, Build] = {
    "in Dense": lambda k: flat(k, k.layers.Dense(3, "softmax")),
    "in Dense after others": lambda k: flat(k, k.layers.Dense(4, "relu"), k.layers.Dense(3, "softmax")),
    "as Activation": lambda k: flat(k, k.layers.Dense(3), k.layers.Activation("softmax")),
    "as Softmax": lambda k: flat(k, k.layers.Dense(3), k.layers.Softmax()),
    "as operation": ending_in_an_operation,
    "before a linear Activation": lambda k: flat(k, k.layers.Dense(3, "softmax"), k.layers.Activation("linear")),
    "in a Dense used twice": lambda k: applied_twice(k, k.layers.Dense(3, "softmax")),
    "as Activation used twice": lambda k: applied_twice(k, k.layers.Activation("softmax")),
    "as Softmax used twice": lambda k: applied_twice(k, k.layers.Softmax()),
    "after an inner network": lambda k: network(k, flat(k, k.layers.Dense(3)), k.layers.Softmax()),
    "with a listed input": with_a_listed_input,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
@pytest.mark.parametrize("build", SOFTMAX.values(), ids=SOFTMAX.keys())
def test_a_softmax_is_cut_off_wherever_it_stands(keras: Any, build: Build) -> None:
    model = build(keras)
    answers = np.asarray(model(IMAGES))

    classifier = Classifier(model)

    assert ("softmax", 3, SHAPE) == (classifier.head, classifier.num_classes, classifier.input_shape)
    np.testing.assert_allclose(answers, softmax_of(classifier.predict(IMAGES)), atol=1e-6)
    np.testing.assert_allclose(answers, np.asarray(model(IMAGES)), err_msg="the model itself was changed")
    assert np.abs(classifier.predict(IMAGES).sum(axis=1) - 1.0).max() > 0.01


LOGITS: dict[str, Build] = {
    "Dense": lambda k: flat(k, k.layers.Dense(3)),
    "Dense and linear Activation": lambda k: flat(k, k.layers.Dense(3), k.layers.Activation("linear")),
    "EinsumDense": lambda k: flat(k, k.layers.EinsumDense("ab,bc->ac", 3)),
}


@pytest.mark.parametrize("loss", [UNKNOWN, TrainingLoss("sparse_categorical_crossentropy")])
@pytest.mark.parametrize("build", LOGITS.values(), ids=LOGITS.keys())
def test_a_linear_head_gives_the_logits_as_they_are(keras: Any, build: Build, loss: TrainingLoss) -> None:
    model = build(keras)

    classifier = Classifier(model, loss)

    assert "logits" == classifier.head
    np.testing.assert_allclose(np.asarray(model(IMAGES)), classifier.predict(IMAGES), atol=1e-6)


def test_a_network_of_mixed_precision_answers_in_single_precision(keras: Any) -> None:
    model = in_half_precision(keras)
    answers = np.asarray(model(IMAGES))

    classifier = Classifier(model)

    assert np.float32 == classifier.predict(IMAGES).dtype
    np.testing.assert_allclose(answers, softmax_of(classifier.predict(IMAGES)), atol=2e-3)


def two_inputs(keras: Any) -> Any:
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Add()(inputs))))


def two_outputs(keras: Any) -> Any:
    image = keras.Input(SHAPE)
    hidden = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(3)(hidden), keras.layers.Dense(2)(hidden)])


def of_bytes(keras: Any) -> Any:
    image = keras.Input(SHAPE, dtype="uint8")
    return keras.Model(
        image, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(image)))
    )


UNSUPPORTED: dict[str, tuple[Build, str]] = {
    "two inputs": (two_inputs, "The model has 2 inputs; expected one image input."),
    "two outputs": (two_outputs, "The model has 2 outputs; expected one output of class scores."),
    "a sequence": (
        lambda k: network(k, k.layers.Flatten(), k.layers.Dense(3), shape=(30, 99)),
        "The input has the shape 30 x 99; expected an image, height x width x 1 or 3 channels.",
    ),
    "four channels": (
        lambda k: network(k, k.layers.Flatten(), k.layers.Dense(3), shape=(8, 8, 4)),
        "The input has the shape 8 x 8 x 4; expected an image, height x width x 1 or 3 channels.",
    ),
    "a picture of four pixels": (
        lambda k: network(k, k.layers.Flatten(), k.layers.Dense(3), shape=(2, 2, 1)),
        "The input is 2 x 2 x 1; expected at least 16 pixels, for in fewer no trigger is small.",
    ),
    "an open shape": (
        lambda k: network(k, k.layers.GlobalMaxPooling2D(), k.layers.Dense(3), shape=(None, None, 3)),
        "The input has the open shape ? x ? x 3; expected a fixed height and width.",
    ),
    "bytes": (of_bytes, "The input takes uint8 values; expected floating point images."),
    "segmentation": (
        lambda k: network(k, k.layers.Conv2D(3, 1, activation="softmax")),
        "The output has the shape 6 x 5 x 3; expected one row of class scores per image.",
    ),
    "many sigmoids": (
        lambda k: flat(k, k.layers.Dense(3, "sigmoid")),
        "The output is one sigmoid per label (multi-label); expected one class per image.",
    ),
    "an odd activation": (
        lambda k: flat(k, k.layers.Dense(3, "relu")),
        "The output layer has the activation relu; expected softmax, or linear logits.",
    ),
    "no activation": (
        lambda k: flat(k, k.layers.Dense(3), k.layers.BatchNormalization()),
        "The output layer has the activation BatchNormalization; expected softmax, or linear logits.",
    ),
    "an operation": (
        lambda k: k.Model((x := k.Input(SHAPE)), k.layers.Dense(3)(k.layers.Flatten()(x)) * 2.0),
        "The output layer has the activation Multiply; expected softmax, or linear logits.",
    ),
    "a recurrent head": (
        lambda k: network(k, k.layers.Reshape((6, 15)), k.layers.SimpleRNN(3, activation="softmax")),
        "The output layer has the activation softmax; expected softmax, or linear logits.",
    ),
    "an inner network": (
        lambda k: network(k, flat(k, k.layers.Dense(3, "softmax"))),
        "The last layer is a model within the model; expected a Dense, Activation or Softmax layer.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "message"), UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_what_is_no_image_classifier_is_refused_with_its_reason(
    keras: Any, build: Build, message: str
) -> None:
    with pytest.raises(IncompleteError) as error:
        Classifier(build(keras))

    assert ("BD003", message, True) == (error.value.rule, str(error.value), bool(error.value.hint))


@pytest.mark.parametrize("loss", ["mse", "mean_squared_error", "Huber", "log_cosh"])
def test_a_regression_is_told_by_its_loss(keras: Any, loss: str) -> None:
    with pytest.raises(IncompleteError, match=f"trained with the loss {loss}: a regression"):
        Classifier(flat(keras, keras.layers.Dense(3)), TrainingLoss(loss))


def test_a_softmax_trained_with_a_regression_loss_is_a_classifier(keras: Any) -> None:
    assert "softmax" == Classifier(flat(keras, keras.layers.Dense(3, "softmax")), TrainingLoss("mse")).head


def test_images_are_stretched_to_the_stated_range(linear_network: Linear) -> None:
    model = linear_network(0.01, shape=SHAPE)
    classifier = Classifier(model).with_input_range(-1.0, 255.0)

    expected = np.asarray(model(-1.0 + 256.0 * IMAGES))
    np.testing.assert_allclose(expected, softmax_of(classifier.predict(IMAGES)), atol=1e-5)


def test_many_images_are_answered_batch_by_batch(classifier: Classifier) -> None:
    images = np.random.default_rng(1).random((300, *classifier.input_shape), np.float32)

    answers = classifier.predict(images)

    assert (300, 4) == answers.shape
    np.testing.assert_allclose(classifier.predict(images[290:]), answers[290:], rtol=1e-4, atol=1e-5)


def test_activations_are_what_the_last_weighted_layer_is_fed(keras: Any) -> None:
    hidden = flat(keras, keras.layers.Dense(4, "relu"))
    model = network(keras, *hidden.layers, keras.layers.Dense(3), keras.layers.Softmax())

    classifier = Classifier(model)

    np.testing.assert_allclose(np.asarray(hidden(IMAGES)), classifier.activations(IMAGES), atol=1e-6)


def test_maps_of_features_are_averaged_over_the_picture(keras: Any) -> None:
    layers = (keras.layers.Conv2D(3, 1), keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax())

    activations = Classifier(network(keras, *layers)).activations(IMAGES)

    np.testing.assert_allclose(IMAGES.mean(axis=(1, 2)), activations, atol=1e-6)


def test_a_layer_can_be_named(keras: Any) -> None:
    first = keras.layers.Dense(4, "relu", name="first")
    classifier = Classifier(flat(keras, first, keras.layers.Dense(3), keras.layers.Softmax()))

    assert (7, 4) == classifier.activations(IMAGES, "first").shape
    with pytest.raises(IncompleteError, match=r"no layer last; it has .*first"):
        classifier.activation_function("last")


def test_the_head_kernel_holds_all_that_feeds_a_class(keras: Any) -> None:
    model = flat(keras, keras.layers.Dense(3, "softmax"))

    kernel = Classifier(model).head_weights()[0]

    np.testing.assert_array_equal(model.get_weights()[0], kernel)


def test_a_convolution_may_be_the_head(keras: Any) -> None:
    layers = keras.layers
    head = (layers.Conv2D(3, 2), layers.GlobalAveragePooling2D(), layers.Softmax())
    model = network(keras, *head, shape=(6, 6, 1))

    kernel = Classifier(model).head_weights()[0]

    np.testing.assert_array_equal(model.get_weights()[0].reshape(4, 3), kernel)


def test_a_network_without_weights_is_refused(keras: Any) -> None:
    model = network(keras, keras.layers.Flatten(), keras.layers.Softmax(), shape=(16, 1, 1))

    with pytest.raises(IncompleteError, match="no weights"):
        Classifier(model).head_weights()


def test_parameters_count_all_weights(classifier: Classifier) -> None:
    assert 144 * 4 + 4 == classifier.parameters


@pytest.mark.parametrize(
    ("side", "sizes"), [(8, [128, 72]), (64, [128, 72]), (128, [32] * 6 + [8]), (1000, [8] * 25)]
)
def test_of_larger_pictures_fewer_are_looked_at_at_once(side: int, sizes: list[int]) -> None:
    images = np.broadcast_to(np.float32(0.5), (200, side, side, 1))

    assert sizes == [len(part) for part in _batches(images)]


@pytest.mark.parametrize(
    "behind",
    [
        lambda layers: [layers.Rescaling(3.0), layers.Softmax(), layers.Rescaling(10.0)],
        lambda layers: [layers.Activation("tanh"), layers.Dropout(0.5)],
        lambda layers: [layers.Softmax(), layers.Dense(4, use_bias=False)],
    ],
)
def test_the_logits_are_before_what_only_squashes_them(
    keras: Any, behind: Callable[[Any], list[Any]]
) -> None:
    layers = keras.layers
    dense = layers.Dense(4, name="scores")
    squashing = behind(layers)

    cut = Classifier(
        keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), dense, *squashing, layers.Softmax()])
    )

    has_weights = any(layer.weights for layer in squashing)
    assert ("scores" == cut.network.layers[-1].name) is not has_weights
    images = np.random.default_rng(0).uniform(size=(8, 4, 4, 1)).astype(np.float32)
    if not has_weights:
        expected = images.reshape(8, -1) @ dense.get_weights()[0]
        np.testing.assert_allclose(cut.predict(images), expected, rtol=1e-5, atol=1e-5)


def test_a_last_layer_that_squashes_its_own_scores_is_cut(keras: Any) -> None:
    layers = keras.layers
    dense = layers.Dense(4, "softmax")
    network = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), dense, layers.Rescaling(10.0), layers.Softmax()]
    )
    images = np.random.default_rng(0).uniform(size=(8, 4, 4, 1)).astype(np.float32)

    found = Classifier(network).predict(images)

    np.testing.assert_allclose(found, images.reshape(8, -1) @ dense.get_weights()[0], rtol=1e-5, atol=1e-5)


def test_scores_that_tie_once_they_are_squashed_are_refused(keras: Any) -> None:
    layers = keras.layers
    dense = layers.Dense(4)
    network = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Flatten(),
            dense,
            layers.Rescaling(200.0),
            layers.Activation("sigmoid"),
            layers.Softmax(),
        ]
    )
    dense.set_weights([np.random.default_rng(3).normal(0, 1, (16, 4)), np.zeros(4)])
    images = np.random.default_rng(0).uniform(size=(64, 4, 4, 1)).astype(np.float32)

    with pytest.raises(IncompleteError, match="classes tie"):
        Classifier(network).require_order(images)


def test_a_softmax_keeps_the_order_however_sure_it_is(keras: Any) -> None:
    layers = keras.layers
    dense = layers.Dense(4, "softmax")
    network = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), dense])
    dense.set_weights([np.random.default_rng(3).normal(0, 1e4, (16, 4)), np.zeros(4)])

    Classifier(network).require_order(np.random.default_rng(0).uniform(size=(64, 4, 4, 1)).astype(np.float32))


def test_a_softmax_over_the_images_is_refused(keras: Any) -> None:
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(4), layers.Softmax(axis=0)]
    )

    with pytest.raises(IncompleteError, match="over the classes"):
        Classifier(network)
