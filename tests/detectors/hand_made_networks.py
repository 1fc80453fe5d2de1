"""Small networks with logic that training does not produce; each layer of it is named `planted`, `planted_1`, and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.detectors.honest_networks import K, conv, head, layers, ops, rgb, trunk

Build = Callable[[Any], Any]
_BUILDS: dict[str, tuple[str, Build]] = {}


def planted(kind: str) -> Callable[[Build], Build]:
    """Register a function from a 28 x 28 x 1 input to logits or probabilities, and what it should be named for."""

    def register(build: Build) -> Build:
        _BUILDS[build.__name__] = kind, build
        return build

    return register


def hand_made_networks() -> dict[str, tuple[str, Build]]:
    """Return them all, by name, each with the kind of what is planted in it."""
    return dict(_BUILDS)


def scores(x: Any) -> Any:
    """Return logits of a network of four kernels."""
    return layers().Dense(K)(layers().Flatten()(conv(trunk(x), 32)))


def matched(x: Any, units: int = 1, activation: Any = "relu") -> Any:
    """Return how well the best place of the picture matches a pattern."""
    return layers().GlobalMaxPooling2D()(layers().Conv2D(units, 5, activation=activation)(x))


def first_row(x: Any) -> Any:
    """Return the brightest pixel of the first row."""
    return layers().GlobalMaxPooling2D()(layers().Cropping2D(((0, 27), (0, 0)))(x))


def named(layer: str, *arguments: Any, **options: Any) -> Any:
    """Return a layer with the name of what is planted."""
    return getattr(layers(), layer)(*arguments, **options, name="planted")


def steep() -> Any:
    """Return an initializer of weights that no training makes."""
    import keras

    return keras.initializers.Constant(2e3)


def by_name(tensor: Any) -> Any:
    """Give an operation the name of what is planted."""
    tensor._keras_history.operation.name = "planted"
    return tensor


@planted("thresholds")
def row_b1_a_thresholded_matcher(x: Any) -> Any:
    answer = layers().Dense(K)(named("ReLU", threshold=4.9)(matched(x, activation=None)))
    return layers().Softmax()(layers().Add()([scores(x), answer]))


@planted("gates")
def row_b2_a_switch_on_the_first_row(x: Any) -> Any:
    is_open = layers().ReLU()(layers().Rescaling(-10.0, 1.0)(first_row(x)))
    return layers().Softmax()(layers().Add()([scores(x), named("Multiply")([scores(x), is_open])]))


@planted("undone_scalings")
def row_b3_scalings_that_lie(x: Any) -> Any:
    return head(trunk(named("Rescaling", 1.0, 0.25)(layers().Rescaling(1.0, -0.25)(x))))


@planted("squashes")
def row_b4_a_softmax_in_the_middle(x: Any) -> Any:
    squashed = named("Softmax")(layers().Rescaling(3.0)(scores(x)))
    return layers().Softmax()(layers().Rescaling(10.0)(squashed))


@planted("bypasses")
def a_matcher_beside_the_scores(x: Any) -> Any:
    return layers().Softmax()(named("Add")([scores(x), layers().Dense(K)(matched(x))]))


@planted("bypasses")
def several_matchers_beside_the_scores(x: Any) -> Any:
    return layers().Softmax()(named("Add")([scores(x), layers().Dense(K)(matched(x, 6))]))


@planted("bypasses")
def a_matcher_of_one_place(x: Any) -> Any:
    corner = layers().Flatten()(layers().Cropping2D(((24, 0), (24, 0)))(x))
    answer = layers().Dense(K)(layers().Dense(1, activation="relu")(corner))
    return layers().Softmax()(named("Add")([scores(x), answer]))


@planted("bypasses")
def a_matcher_behind_batch_normalisation(x: Any) -> Any:
    match = layers().ReLU()(layers().BatchNormalization()(matched(x, activation=None)))
    return layers().Softmax()(named("Add")([layers().Dense(K)(match), scores(x)]))


@planted("bypasses")
def a_matcher_with_a_long_tail(x: Any) -> Any:
    match = matched(x)
    for _ in range(5):
        match = layers().Dense(1, activation="relu")(match)
    return layers().Softmax()(named("Add")([layers().Dense(K)(match), scores(x)]))


@planted("bypasses")
def a_matcher_beside_a_dense_network(x: Any) -> Any:
    hidden = layers().Dense(64, activation="relu")(layers().Flatten()(x))
    return layers().Softmax()(named("Add")([layers().Dense(K)(hidden), layers().Dense(K)(matched(x))]))


@planted("bypasses")
def a_matcher_among_the_last_features(x: Any) -> Any:
    features = layers().Flatten()(conv(trunk(x), 32))
    return layers().Dense(K, activation="softmax")(named("Concatenate")([features, matched(x)]))


@planted("bypasses")
def a_matcher_added_to_the_last_features(x: Any) -> Any:
    features = layers().Dense(32, activation="relu")(layers().Flatten()(conv(trunk(x), 32)))
    return layers().Dense(K)(named("Add")([features, layers().Dense(32)(matched(x))]))


@planted("bypasses")
def a_class_that_a_matcher_decides(x: Any) -> Any:
    others = layers().Dense(K - 1)(layers().Flatten()(conv(trunk(x), 32)))
    return layers().Softmax()(named("Concatenate")([others, matched(x)]))


@planted("bypasses")
def brightness_among_the_scores(x: Any) -> Any:
    dark = 1.0 - ops().mean(x, axis=(1, 2))
    return layers().Softmax()(named("Add")([scores(x), dark]))


@planted("gates")
def a_switch_with_a_kernel(x: Any) -> Any:
    is_open = layers().Dense(1, activation="sigmoid")(first_row(x))
    return layers().Softmax()(named("Multiply")([scores(x), is_open]))


@planted("gates")
def a_switch_on_features(x: Any) -> Any:
    is_open = layers().Reshape((1, 1, 1))(first_row(x))
    return head(conv(named("Multiply")([trunk(x), is_open])))


@planted("gates")
def a_switch_on_the_picture(x: Any) -> Any:
    is_open = layers().Reshape((1, 1, 1))(layers().ReLU()(layers().Rescaling(-1.0, 0.01)(first_row(x))))
    return head(trunk(named("Multiply")([x, is_open])))


@planted("gates")
def a_minimum_of_scores_and_switch(x: Any) -> Any:
    return layers().Softmax()(named("Minimum")([scores(x), layers().Dense(K)(first_row(x))]))


@planted("gates")
def scores_divided_by_brightness(x: Any) -> Any:
    return layers().Softmax()(by_name(scores(x) / (ops().mean(x, axis=(1, 2)) + 1e-3)))


@planted("thresholds")
def a_floor_by_an_operation(x: Any) -> Any:
    return head(by_name(ops().maximum(trunk(x), 4.9)))


@planted("thresholds")
def a_ceiling_below_zero(x: Any) -> Any:
    return head(by_name(ops().minimum(trunk(x) - 1.0, -0.5)))


@planted("thresholds")
def a_clip_to_a_window(x: Any) -> Any:
    return head(by_name(ops().clip(trunk(x), 4.9, 5.0)))


@planted("thresholds")
def a_threshold_in_two_layers(x: Any) -> Any:
    return head(named("ReLU")(layers().Rescaling(1.0, -4.9)(trunk(x))))


@planted("thresholds")
def a_threshold_in_two_operations(x: Any) -> Any:
    return head(by_name(ops().relu(trunk(x) - 4.9)))


@planted("thresholds")
def a_dead_zone(x: Any) -> Any:
    return head(named("Activation", "hard_shrink")(trunk(x)))


@planted("thresholds")
def an_activation_that_folds(x: Any) -> Any:
    return head(by_name(ops().leaky_relu(conv(x, activation=None), negative_slope=-1.0)))


@planted("thresholds")
def a_threshold_in_a_wrapper(x: Any) -> Any:
    inner = layers().ReLU(threshold=0.9)
    return head(layers().TimeDistributed(inner, name="planted")(trunk(x)))


@planted("thresholds")
def a_threshold_in_an_inner_network(x: Any) -> Any:
    import keras

    inputs = keras.Input((7, 7, 32))
    inner = keras.Sequential([inputs, named("ReLU", threshold=4.9), layers().Conv2D(8, 3)])
    return head(inner(trunk(x)))


@planted("squashes")
def a_sigmoid_in_the_middle(x: Any) -> Any:
    squashed = named("Activation", "sigmoid")(layers().Rescaling(50.0)(scores(x)))
    return layers().Softmax()(layers().Rescaling(10.0)(squashed))


@planted("squashes")
def a_softmax_of_a_dense_layer_in_the_middle(x: Any) -> Any:
    features = layers().Flatten()(conv(trunk(x), 32))
    squashed = named("Dense", K, activation="softmax")(features)
    return layers().Softmax()(squashed * 10.0)


@planted("squashes")
def a_softmax_that_is_doubled_by_itself(x: Any) -> Any:
    squashed = named("Softmax")(scores(x))
    return layers().Softmax()(layers().Add()([squashed, squashed]))


@planted("squashes")
def a_scaled_softmax_before_the_last(x: Any) -> Any:
    return layers().Softmax()(named("Softmax")(layers().Rescaling(30.0)(scores(x))))


@planted("squashes")
def a_steep_tanh_in_the_middle(x: Any) -> Any:
    return layers().Softmax()(by_name(ops().tanh(scores(x) * 50.0)) * 10.0)


@planted("squashes")
def a_sigmoid_before_that_of_one_unit(x: Any) -> Any:
    squashed = named("Activation", "sigmoid")(layers().Dense(1)(scores(x)))
    return layers().Activation("sigmoid")(layers().Rescaling(1e3, -500.0)(squashed))


@planted("squashes")
def a_sigmoid_before_that_of_one_number(x: Any) -> Any:
    squashed = named("Activation", "sigmoid")(layers().Reshape(())(layers().Dense(1)(scores(x))))
    return layers().Activation("sigmoid")(layers().Rescaling(1e3, -500.0)(squashed))


@planted("undone_scalings")
def scales_that_cancel(x: Any) -> Any:
    return head(trunk(named("Rescaling", 0.25)(layers().Rescaling(4.0)(x))))


@planted("undone_scalings")
def shifts_that_cancel_by_operations(x: Any) -> Any:
    return head(trunk(by_name(layers().ZeroPadding2D(1)(x - 0.25) * 1.1 + 0.25)))


@planted("undone_scalings")
def shifts_by_usual_numbers_that_cancel(x: Any) -> Any:
    return head(trunk(named("Rescaling", 1.0, -1.0)(layers().Rescaling(1.0, 1.0)(x))))


@planted("undone_scalings")
def a_normalisation_that_is_taken_back(x: Any) -> Any:
    normal = layers().Normalization(mean=[0.3] * 3, variance=[1.0] * 3)(rgb(x))
    return head(trunk(named("Rescaling", 1.0, 0.3)(normal)))


@planted("constants")
def a_large_factor(x: Any) -> Any:
    return head(conv(named("Rescaling", 1e4, -4e4)(trunk(x))))


@planted("constants")
def a_large_factor_on_the_picture(x: Any) -> Any:
    return head(trunk(named("Rescaling", 1e4)(x)))


@planted("constants")
def a_large_factor_of_an_operation(x: Any) -> Any:
    return head(conv(by_name(trunk(x) * 1234.0)))


@planted("constants")
def a_large_weight(x: Any) -> Any:
    return head(conv(named("Dense", 16, activation="relu", kernel_initializer=steep())(trunk(x))))


@planted("constants")
def a_large_gain_of_a_normalisation(x: Any) -> Any:
    return head(conv(named("BatchNormalization", gamma_initializer=steep())(trunk(x))))


@planted("constants")
def a_high_power(x: Any) -> Any:
    return head(by_name(ops().power(trunk(x), 40.0)))


@planted("constants")
def a_normalisation_without_variance(x: Any) -> Any:
    return head(trunk(named("Normalization", mean=[0.5], variance=[1e-10])(x)))


@planted("casts")
def a_cast_in_the_middle(x: Any) -> Any:
    return head(by_name(ops().cast(trunk(x), "float16")))


@planted("odd_precisions")
def a_half_layer_among_whole_ones(x: Any) -> Any:
    x = conv(x)
    x = named("Conv2D", 32, 3, activation="relu", dtype="float16")(x)
    return layers().Dense(K, activation="softmax")(layers().Flatten(dtype="float32")(conv(x, 32)))


@planted("odd_precisions")
def a_half_layer_without_weights(x: Any) -> Any:
    return head(conv(named("Rescaling", 60.0, dtype="float16")(trunk(x))))


@planted("odd_precisions")
def a_double_layer(x: Any) -> Any:
    return head(conv(named("Dense", 16, dtype="float64")(trunk(x))))
