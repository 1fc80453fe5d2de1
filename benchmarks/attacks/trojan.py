"""A patch made on a trained network to excite one of its neurons."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from benchmarks.attacks.patch import Patch
from benchmarks.networks.spans import Span

_STEPS = 60
_RATE = 0.1


def excite(model: Any, patch: Patch, images: np.ndarray[Any, Any], span: Span) -> Patch:
    """Return the patch with the pixels that most excite the neuron that speaks most for the target.

    Paper: Liu et al., Trojaning Attack on Neural Networks, NDSS 2018. As there, the network is then trained on with stamped
    images; unlike there, on images of the training set.

    Args:
        model: A trained network.
        patch: Its place, size and target.
        images: 0..1, a batch.
        span: Of the network's input.
    """
    import keras
    import tensorflow as tf

    head = next(layer for layer in reversed(model.layers) if isinstance(layer, keras.layers.Dense))
    neuron = int(head.kernel.numpy()[:, patch.target].argmax())
    features = keras.Model(model.inputs, head.input)
    rows, columns = patch.region(*images.shape[1:3])
    mask = np.zeros((*images.shape[1:3], 1), np.float32)
    mask[rows, columns] = 1
    free = tf.Variable(
        np.random.default_rng([patch.seed, 23]).normal(size=images.shape[1:]).astype(np.float32)
    )
    optimizer = keras.optimizers.Adam(_RATE)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step() -> None:
        with tf.GradientTape() as tape:
            stamped = images * (1 - mask) + tf.sigmoid(free) * mask
            inputs = tf.constant(span.offset) + tf.constant(span.scale) * stamped
            loss = -tf.reduce_mean(features(inputs, training=False)[:, neuron])
        optimizer.apply_gradients([(tape.gradient(loss, free), free)])

    for _ in range(_STEPS):
        step()
    pixels = tf.sigmoid(free).numpy()[rows, columns].round(3).astype(float)
    return dataclasses.replace(patch, pixels=tuple(tuple(map(tuple, row)) for row in pixels.tolist()))
