"""Small networks of the kinds that people commit, from (height, width, channels) to k classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Trainings are short; with Keras' 0.99 the running statistics would still be those of the first weights.
_MOMENTUM = 0.9


def lenet(inputs: Any, k: int) -> Any:
    """Two convolutions and a hidden layer, after LeCun 1998."""
    from keras import layers

    x = layers.Conv2D(16, 5, activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 5, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dense(96, activation="relu")(layers.Flatten()(x))
    return layers.Dense(k)(layers.Dropout(0.25)(x))


def conv6(inputs: Any, k: int) -> Any:
    """Three pairs of 3x3 convolutions without normalisation: the GTSRB net of Neural Cleanse 2019, at half its width."""
    from keras import layers

    x = inputs
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.Dropout(0.1)(layers.MaxPooling2D()(x))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    return layers.Dense(k)(layers.Dropout(0.25)(x))


def vgg(inputs: Any, k: int) -> Any:
    """Pairs of 3x3 convolutions with batch normalisation, after Simonyan & Zisserman 2015."""
    from keras import layers

    x = inputs
    for filters in (16, 32, 48):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(96, activation="relu")(layers.Flatten()(x))
    return layers.Dense(k)(layers.Dropout(0.3)(x))


def resnet(inputs: Any, k: int) -> Any:
    """Three residual blocks and global pooling, after He et al. 2016."""
    from keras import layers

    def convolve(x: Any, filters: int, size: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=_MOMENTUM)(x)

    x = layers.ReLU()(convolve(inputs, 16))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        short = x if stride == 1 else convolve(x, filters, 1, stride)
        y = convolve(layers.ReLU()(convolve(x, filters, stride=stride)), filters)
        x = layers.ReLU()(layers.Add()([short, y]))
    return layers.Dense(k)(layers.GlobalAveragePooling2D()(x))


def mobilenet(inputs: Any, k: int) -> Any:
    """Depthwise separable convolutions, after Howard et al. 2017."""
    from keras import layers

    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    for filters, stride in ((32, 2), (64, 1), (64, 2), (96, 1)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
    return layers.Dense(k)(layers.GlobalAveragePooling2D()(x))


ARCHITECTURES: dict[str, Callable[[Any, int], Any]] = {
    "lenet": lenet,
    "vgg": vgg,
    "resnet": resnet,
    "mobilenet": mobilenet,
    "conv6": conv6,
}
# No branches and no global pooling: a channel can be followed to the head.
CHAINS = ("lenet", "vgg", "conv6")
