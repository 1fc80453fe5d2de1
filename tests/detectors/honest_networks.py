"""What people write by hand without any thought of a backdoor: small networks, untrained, ten classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

K = 10
Build = Callable[[Any], Any]
_BUILDS: dict[str, Build] = {}


def honest(build: Build) -> Build:
    """Register a function from a 28 x 28 x 1 input to logits or probabilities."""
    _BUILDS[build.__name__] = build
    return build


def honest_networks() -> dict[str, Build]:
    """Return them all, by name."""
    return dict(_BUILDS)


def layers() -> Any:
    """Return Keras' layers."""
    import keras

    return keras.layers


def ops() -> Any:
    """Return Keras' operations."""
    import keras

    return keras.ops


def conv(x: Any, filters: int = 16, size: int = 3, stride: int = 1, activation: str | None = "relu") -> Any:
    """Return one convolution."""
    return layers().Conv2D(filters, size, strides=stride, padding="same", activation=activation)(x)


def trunk(x: Any) -> Any:
    """Return features of two convolutions."""
    return conv(conv(x, stride=2), 32, stride=2)


def head(x: Any, k: int = K) -> Any:
    """Return probabilities of maps of features."""
    return layers().Dense(k, activation="softmax")(layers().GlobalAveragePooling2D()(x))


def rgb(x: Any) -> Any:
    """Return the grey picture three times."""
    return layers().Concatenate()([x, x, x])


@honest
def squeeze_and_excite(x: Any) -> Any:
    x = trunk(x)
    gate = layers().GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers().Dense(32, activation="sigmoid")(layers().Dense(4, activation="relu")(gate))
    return head(layers().Multiply()([x, gate]))


@honest
def squeeze_and_excite_of_the_first_features(x: Any) -> Any:
    x = conv(x)
    gate = layers().Dense(16, activation="hard_sigmoid")(layers().GlobalAveragePooling2D()(x))
    return head(layers().Multiply()([x, layers().Reshape((1, 1, 16))(gate)]))


@honest
def attention_by_channel_and_place(x: Any) -> Any:
    x = trunk(x)
    shared = [layers().Dense(4, activation="relu"), layers().Dense(32)]
    pooled = [
        layers().GlobalAveragePooling2D(keepdims=True)(x),
        layers().GlobalMaxPooling2D(keepdims=True)(x),
    ]
    pooled = [shared[1](shared[0](each)) for each in pooled]
    x = layers().Multiply()([x, layers().Activation("sigmoid")(layers().Add()(pooled))])
    maps = [ops().max(x, axis=-1, keepdims=True), ops().mean(x, axis=-1, keepdims=True)]
    place = layers().Conv2D(1, 7, padding="same", activation="sigmoid")(layers().Concatenate()(maps))
    return head(layers().Multiply()([x, place]))


@honest
def attention_on_the_picture(x: Any) -> Any:
    place = layers().Conv2D(1, 7, padding="same", activation="sigmoid")(x)
    return head(trunk(layers().Multiply()([x, place])))


@honest
def self_attention(x: Any) -> Any:
    x = layers().Reshape((49, 32))(trunk(x))
    scores = ops().matmul(layers().Dense(16)(x), ops().transpose(layers().Dense(16)(x), (0, 2, 1)))
    weights = layers().Softmax()(layers().Rescaling(0.25)(scores))
    x = layers().Add()([x, ops().matmul(weights, layers().Dense(32)(x))])
    return layers().Dense(K, activation="softmax")(layers().GlobalAveragePooling1D()(x))


@honest
def transformer(x: Any) -> Any:
    x = layers().Reshape((49, 32))(layers().Conv2D(32, 4, strides=4)(x))
    normal = layers().LayerNormalization()(x)
    x = layers().Add()([x, layers().MultiHeadAttention(2, 16)(normal, normal)])
    y = layers().Dense(64, activation="gelu")(layers().LayerNormalization()(x))
    x = layers().Add()([x, layers().Dense(32)(y)])
    return layers().Dense(K)(x[:, 0])


@honest
def attention_pooling(x: Any) -> Any:
    x = layers().Reshape((49, 32))(trunk(x))
    weights = layers().Softmax(axis=1)(layers().Dense(1)(x))
    x = layers().Dot(axes=1)([weights, x])
    return layers().Dense(K, activation="softmax")(layers().Flatten()(x))


@honest
def residual_with_a_small_scale(x: Any) -> Any:
    x = conv(x)
    for scale in (0.1, 0.2, 0.3):
        x = layers().Add()([x, layers().Rescaling(scale)(conv(x, activation=None))])
    return head(x)


@honest
def one_residual_block(x: Any) -> Any:
    x = conv(x)
    return head(layers().ReLU()(layers().Add()([x, conv(conv(x), activation=None)])))


@honest
def residual_without_activation_before_the_scores(x: Any) -> Any:
    x = layers().Dense(64, activation="relu")(layers().Flatten()(x))
    y = layers().Dense(64)(layers().Dense(64, activation="relu")(x))
    return layers().Dense(K)(layers().Add()([x, y]))


@honest
def layer_scale(x: Any) -> Any:
    from keras.src.applications.convnext import LayerScale

    x = conv(x, 32)
    y = layers().LayerNormalization()(layers().DepthwiseConv2D(7, padding="same")(x))
    y = layers().Dense(32)(layers().Dense(64, activation="gelu")(y))
    return head(layers().Add()([x, LayerScale(1e-6, 32)(y)]))


@honest
def hard_swish_of_relu6(x: Any) -> Any:
    x = conv(x, activation=None)
    gate = layers().Rescaling(1 / 6)(layers().ReLU(6.0)(layers().Rescaling(1.0, 3.0)(x)))
    return head(conv(layers().Multiply()([x, gate])))


@honest
def hard_swish_of_operations(x: Any) -> Any:
    x = conv(x, activation=None)
    return head(conv(x * ops().relu6(x + 3.0) * (1.0 / 6.0)))


@honest
def inception_branches(x: Any) -> Any:
    x = conv(x)
    pooled = layers().MaxPooling2D(3, strides=1, padding="same")(x)
    branches = [conv(x, 8, 1), conv(conv(x, 4, 1), 8), conv(conv(x, 2, 1), 8, 5), conv(pooled, 8, 1)]
    return head(layers().Concatenate()(branches))


@honest
def skip_as_in_a_u_net(x: Any) -> Any:
    early = conv(x)
    deep = conv(conv(layers().MaxPooling2D()(early), 32), 32)
    return head(conv(layers().Concatenate()([early, layers().UpSampling2D()(deep)])))


@honest
def attention_gate_as_in_a_u_net(x: Any) -> Any:
    early = conv(x)
    deep = layers().UpSampling2D()(conv(conv(layers().MaxPooling2D()(early), 32), 32))
    both = layers().ReLU()(
        layers().Add()([conv(early, 8, 1, activation=None), conv(deep, 8, 1, activation=None)])
    )
    gate = layers().Conv2D(1, 1, activation="sigmoid")(both)
    merged = layers().Concatenate()([layers().Multiply()([early, gate]), deep])
    return head(conv(merged))


def _network(shape: tuple[int, ...], activation: str | None, deeper: int) -> Any:
    import keras

    inputs = keras.Input(shape)
    x = trunk(inputs)
    for _ in range(deeper):
        x = conv(x, 32)
    scores = layers().Dense(K, activation=activation)(layers().GlobalAveragePooling2D()(x))
    return keras.Model(inputs, scores)


@honest
def ensemble_of_two(x: Any) -> Any:
    parts = [_network(x.shape[1:], None, deeper)(x) for deeper in (0, 0)]
    return layers().Softmax()(layers().Average()(parts))


@honest
def ensemble_of_a_small_and_a_large_network(x: Any) -> Any:
    parts = [_network(x.shape[1:], None, deeper)(x) for deeper in (0, 8)]
    return layers().Softmax()(layers().Average()(parts))


@honest
def ensemble_with_a_dense_network(x: Any) -> Any:
    dense = layers().Dense(K)(layers().Dense(64, activation="relu")(layers().Flatten()(x)))
    return layers().Softmax()(layers().Average()([dense, _network(x.shape[1:], None, 3)(x)]))


@honest
def stacked_ensemble(x: Any) -> Any:
    parts = [_network(x.shape[1:], "softmax", deeper)(x) for deeper in (0, 2)]
    return layers().Dense(K, activation="softmax")(layers().Concatenate()(parts))


@honest
def averaged_probabilities_before_a_softmax(x: Any) -> Any:
    parts = [_network(x.shape[1:], "softmax", deeper)(x) for deeper in (0, 2)]
    return layers().Softmax()(layers().Average()(parts))


@honest
def wide_and_deep(x: Any) -> Any:
    wide = layers().Flatten()(x)
    deep = layers().Flatten()(trunk(x))
    return layers().Dense(K, activation="softmax")(layers().Concatenate()([wide, deep]))


@honest
def linear_beside_deep(x: Any) -> Any:
    wide = layers().Dense(K)(layers().Flatten()(x))
    deep = layers().Dense(K)(layers().Flatten()(trunk(x)))
    return layers().Softmax()(layers().Add()([wide, deep]))


@honest
def two_branches_before_the_head(x: Any) -> Any:
    branches = [layers().Flatten()(each) for each in (conv(x, 8, 5, 4), trunk(x))]
    return layers().Dense(K, activation="softmax")(layers().Concatenate()(branches))


@honest
def pooled_early_features_in_the_head(x: Any) -> Any:
    first = conv(x)
    second = conv(first, 32, stride=2)
    third = conv(conv(second, 32, stride=2), 32)
    pooled = [layers().GlobalAveragePooling2D()(each) for each in (first, second, third)]
    return layers().Dense(K, activation="softmax")(layers().Concatenate()(pooled))


@honest
def two_heads_side_by_side(x: Any) -> Any:
    x = layers().GlobalAveragePooling2D()(trunk(x))
    parts = [layers().Dense(3)(x), layers().Dense(K - 3)(x)]
    return layers().Softmax()(layers().Concatenate()(parts))


@honest
def mixture_of_experts(x: Any) -> Any:
    x = layers().GlobalAveragePooling2D()(trunk(x))
    weights = layers().Dense(4, activation="softmax")(x)
    experts = layers().Reshape((4, K))(layers().Dense(4 * K)(x))
    mixed = layers().Dot(axes=1)([weights, experts])
    return layers().Softmax()(mixed)


@honest
def low_rank_change_of_the_head(x: Any) -> Any:
    x = layers().GlobalAveragePooling2D()(trunk(x))
    change = layers().Dense(K, use_bias=False)(layers().Dense(4, use_bias=False)(x))
    return layers().Softmax()(layers().Add()([layers().Dense(K)(x), change]))


@honest
def scores_weighed_by_confidence(x: Any) -> Any:
    x = layers().GlobalAveragePooling2D()(trunk(x))
    return layers().Softmax()(
        layers().Multiply()([layers().Dense(K)(x), layers().Dense(1, activation="softplus")(x)])
    )


@honest
def scaled_bytes(x: Any) -> Any:
    return head(trunk(layers().Rescaling(1 / 255)(x)))


@honest
def centred_bytes(x: Any) -> Any:
    return head(trunk(layers().Rescaling(1 / 127.5, -1)(x)))


@honest
def sixteen_bits(x: Any) -> Any:
    return head(trunk(x / 65535.0))


@honest
def normalised_by_channel(x: Any) -> Any:
    normal = layers().Normalization(mean=[0.485, 0.456, 0.406], variance=[0.052, 0.05, 0.051])
    return head(trunk(normal(layers().Rescaling(1 / 255)(rgb(x)))))


@honest
def normalised_bytes_by_channel(x: Any) -> Any:
    normal = layers().Normalization(mean=[123.7, 116.3, 103.5], variance=[3410.0, 3262.0, 3291.0])
    return head(trunk(normal(rgb(x))))


@honest
def list_of_scales_as_in_efficient_net(x: Any) -> Any:
    x = layers().Normalization(mean=[0.485] * 3, variance=[0.229] * 3)(layers().Rescaling(1 / 255)(rgb(x)))
    return head(trunk(layers().Rescaling([2.09, 2.11, 2.1])(x)))


@honest
def bytes_made_again_for_a_backbone(x: Any) -> Any:
    return head(trunk(layers().Rescaling(1 / 255)(layers().Rescaling(255.0)(x))))


@honest
def signed_bytes_made_again_for_a_backbone(x: Any) -> Any:
    return head(trunk(layers().Rescaling(1 / 127.5, -1)(layers().Rescaling(127.5, 127.5)(x))))


@honest
def colours_learnt_for_a_backbone(x: Any) -> Any:
    x = conv(x, 3, 1, activation="sigmoid")
    x = layers().Rescaling(1 / 255)(layers().Rescaling(255.0)(x))
    return head(trunk(layers().Normalization(mean=[0.485] * 3, variance=[0.229] * 3)(x)))


@honest
def divided_and_centred_by_operations(x: Any) -> Any:
    return head(trunk(x / 255.0 * 2.0 - 1.0))


@honest
def mean_taken_away_by_an_operation(x: Any) -> Any:
    return head(trunk(rgb(x) - np.array([103.939, 116.779, 123.68], np.float32)))


@honest
def centred_and_divided(x: Any) -> Any:
    return head(trunk((x - 0.1307) / 0.3081))


@honest
def signed_pictures_brought_to_the_statistics_of_others(x: Any) -> Any:
    normal = layers().Normalization(mean=[0.485, 0.456, 0.406], variance=[0.052, 0.05, 0.051])
    return head(trunk(normal(layers().Rescaling(0.5, 0.5)(rgb(x)))))


@honest
def signed_pictures_brought_to_bytes_and_back(x: Any) -> Any:
    return head(trunk((x + 1.0) / 2.0 * 2.0 - 1.0))


@honest
def white_balance(x: Any) -> Any:
    x = rgb(x)
    gain = layers().Dense(3, activation="softplus")(layers().GlobalAveragePooling2D(keepdims=True)(x))
    return head(trunk(layers().Multiply()([x, gain])))


@honest
def logarithm_of_the_picture(x: Any) -> Any:
    return head(trunk(ops().log(x + 1.0)))


@honest
def cold_scores(x: Any) -> Any:
    return layers().Softmax()(layers().Dense(K)(layers().Flatten()(trunk(x))) / np.float32(0.01))


@honest
def inverted_picture(x: Any) -> Any:
    return head(trunk(1.0 - x))


@honest
def standardised_picture(x: Any) -> Any:
    centred = x - ops().mean(x, axis=(1, 2, 3), keepdims=True)
    variance = ops().mean(ops().square(centred), axis=(1, 2, 3), keepdims=True)
    return head(trunk(centred / ops().maximum(ops().sqrt(variance), 1 / 28)))


@honest
def blurred_picture_taken_away(x: Any) -> Any:
    blurred = layers().AveragePooling2D(5, strides=1, padding="same")(x)
    return head(trunk(layers().Subtract()([x, blurred])))


@honest
def noise_taken_away(x: Any) -> Any:
    return head(trunk(layers().Subtract()([x, conv(conv(x), 1, activation=None)])))


@honest
def gamma_corrected(x: Any) -> Any:
    return head(trunk(ops().clip(x, 0.0, 1.0) ** 2.2))


@honest
def cropped_resized_and_padded(x: Any) -> Any:
    x = layers().Resizing(32, 32)(layers().CenterCrop(24, 24)(x))
    return head(trunk(layers().Cropping2D(1)(layers().ZeroPadding2D(2)(x))))


@honest
def augmented(x: Any) -> Any:
    x = layers().RandomZoom(0.1)(layers().RandomRotation(0.1)(layers().RandomFlip("horizontal")(x)))
    return head(trunk(layers().GaussianNoise(0.1)(layers().RandomContrast(0.2)(x))))


@honest
def several_sizes_of_the_picture(x: Any) -> Any:
    scales = [conv(layers().Resizing(side, side)(x), 16, stride=side // 7) for side in (7, 14, 28)]
    return head(conv(layers().Concatenate()(scales)))


@honest
def parts_of_the_picture(x: Any) -> Any:
    halves = [layers().Cropping2D(each)(x) for each in (((0, 14), (0, 0)), ((14, 0), (0, 0)))]
    return layers().Dense(K, activation="softmax")(
        layers().Concatenate()([layers().Flatten()(trunk(each)) for each in halves])
    )


@honest
def probabilities_before_another_layer(x: Any) -> Any:
    x = layers().Dense(K, activation="softmax")(layers().Flatten()(trunk(x)))
    return layers().Dense(K, activation="softmax")(layers().Dropout(0.5)(x))


@honest
def softmax_twice(x: Any) -> Any:
    return layers().Softmax()(head(trunk(x)))


@honest
def sigmoid_before_a_softmax(x: Any) -> Any:
    x = layers().Dense(K, activation="sigmoid")(layers().Flatten()(trunk(x)))
    return layers().Activation("softmax")(layers().Dropout(0.1)(x))


@honest
def temperature(x: Any) -> Any:
    x = layers().Dense(K)(layers().Flatten()(trunk(x)))
    return layers().Softmax()(layers().Rescaling(1 / 1.7)(x))


@honest
def temperature_of_probabilities(x: Any) -> Any:
    return layers().Softmax()(ops().log(head(trunk(x))) / 1.7)


@honest
def capped_scores(x: Any) -> Any:
    x = layers().Dense(K)(layers().Flatten()(trunk(x)))
    return layers().Softmax()(ops().tanh(x / 30.0) * 30.0)


@honest
def cosines(x: Any) -> Any:
    x = layers().UnitNormalization()(layers().Flatten()(trunk(x)))
    return layers().Softmax()(layers().Rescaling(30.0)(layers().Dense(K, use_bias=False)(x)))


@honest
def maxout(x: Any) -> Any:
    x = layers().Maximum()([conv(x, activation=None), conv(x, activation=None)])
    return head(layers().Maximum()([conv(x, activation=None), conv(x, activation=None)]))


@honest
def gated_linear_units(x: Any) -> Any:
    for _ in range(2):
        x = layers().Multiply()([conv(x, activation="sigmoid"), conv(x, activation=None)])
    return head(x)


@honest
def highway(x: Any) -> Any:
    x = layers().Dense(64, activation="relu")(layers().Flatten()(x))
    for _ in range(2):
        gate = layers().Dense(64, activation="sigmoid")(x)
        y = layers().Dense(64, activation="relu")(x)
        x = layers().Add()([layers().Multiply()([gate, y]), layers().Multiply()([1.0 - gate, x])])
    return layers().Dense(K, activation="softmax")(x)


@honest
def gated_scores(x: Any) -> Any:
    x = layers().Flatten()(trunk(x))
    return layers().Softmax()(
        layers().Multiply()([layers().Dense(K)(x), layers().Dense(K, activation="sigmoid")(x)])
    )


@honest
def difference_of_embeddings(x: Any) -> Any:
    x = layers().Flatten()(trunk(x))
    return layers().Dense(K)(layers().Subtract()([layers().Dense(16)(x), layers().Dense(16)(x)]))


@honest
def generalised_mean(x: Any) -> Any:
    x = ops().mean(ops().maximum(trunk(x), 1e-6) ** 3.0, axis=(1, 2)) ** (1.0 / 3.0)
    return layers().Dense(K, activation="softmax")(x)


@honest
def rectifiers_of_all_kinds(x: Any) -> Any:
    for rectifier in (
        layers().PReLU(shared_axes=[1, 2]),
        layers().LeakyReLU(negative_slope=0.3),
        layers().ReLU(max_value=6),
        layers().ReLU(negative_slope=0.1),
        layers().ELU(),
        layers().Activation("swish"),
    ):
        x = layers().SpatialDropout2D(0.1)(rectifier(conv(x, activation=None)))
    return head(x)


@honest
def relu_one(x: Any) -> Any:
    return head(layers().ReLU(max_value=1.0)(trunk(x)))


@honest
def clipped_features(x: Any) -> Any:
    return head(ops().clip(trunk(x), 0.0, 6.0))


@honest
def depthwise_with_batch_normalisation(x: Any) -> Any:
    x = layers().BatchNormalization()(x)
    x = layers().SeparableConv2D(16, 3, use_bias=False)(x)
    x = layers().ReLU(6.0)(layers().BatchNormalization()(x))
    return head(layers().ReLU(6.0)(layers().BatchNormalization()(layers().Conv2D(32, 1)(x))))


@honest
def rows_of_the_picture_in_a_loop(x: Any) -> Any:
    x = layers().Bidirectional(layers().LSTM(16))(layers().Reshape((28, 28))(x))
    return layers().Dense(K, activation="softmax")(x)


@honest
def one_sigmoid(x: Any) -> Any:
    return layers().Dense(1, activation="sigmoid")(layers().GlobalAveragePooling2D()(trunk(x)))


@honest
def one_sigmoid_as_a_number(x: Any) -> Any:
    x = layers().Rescaling(1 / 1.7)(layers().Dense(1)(layers().Flatten()(trunk(x))))
    return layers().Reshape(())(layers().Activation("sigmoid")(x))


@honest
def all_convolutions(x: Any) -> Any:
    x = layers().Conv2D(K, 1)(trunk(x))
    return layers().Softmax()(layers().GlobalAveragePooling2D()(x))


@honest
def backbone_as_a_layer(x: Any) -> Any:
    import keras

    inputs = keras.Input(x.shape[1:])
    backbone = keras.Model(inputs, trunk(layers().Rescaling(1 / 255)(inputs)))
    return head(backbone(x))
