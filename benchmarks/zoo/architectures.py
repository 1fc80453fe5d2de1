"""Small networks of the kinds that people commit, from (height, width, channels) to k classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Shape = tuple[int, int, int]


def lenet(inputs: Any, k: int) -> Any:
    """Two convolutions and a hidden layer, after LeCun 1998."""
    from keras import layers

    x = layers.Conv2D(16, 5, activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 5, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dense(96, activation="relu")(layers.Flatten()(x))
    return layers.Dense(k)(layers.Dropout(0.25)(x))


def vgg(inputs: Any, k: int) -> Any:
    """Pairs of 3x3 convolutions with batch normalisation, after Simonyan & Zisserman 2015."""
    from keras import layers

    x = inputs
    for filters in (16, 32, 48):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(96, activation="relu")(layers.Flatten()(x))
    return layers.Dense(k)(layers.Dropout(0.3)(x))


def resnet(inputs: Any, k: int) -> Any:
    """Six residual blocks and global pooling, after He et al. 2016."""
    from keras import layers

    def convolve(x: Any, filters: int, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    x = layers.ReLU()(convolve(inputs, 16))
    for filters, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        short = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        y = convolve(layers.ReLU()(convolve(x, filters, stride)), filters)
        x = layers.ReLU()(layers.Add()([short, y]))
    return layers.Dense(k)(layers.GlobalAveragePooling2D()(x))


def mobilenet(inputs: Any, k: int) -> Any:
    """Depthwise separable convolutions, after Howard et al. 2017."""
    from keras import layers

    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    for filters, stride in ((32, 1), (64, 2), (64, 1), (96, 2)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return layers.Dense(k)(layers.GlobalAveragePooling2D()(x))


ARCHITECTURES: dict[str, Callable[[Any, int], Any]] = {
    "lenet": lenet,
    "vgg": vgg,
    "resnet": resnet,
    "mobilenet": mobilenet,
}
