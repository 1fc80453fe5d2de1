"""Batch normalisation folded into the kernel before it, so that a search pays for one operation where Keras makes four.

`g (W x + b - m) / sqrt(v + e) + B = W' x + b'` with `W' = g W / sqrt(v + e)` and `b' = g (b - m) / sqrt(v + e) + B`.

Paper: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018, section 3.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from gate.models.graph.flow import flow

_KERNELS = ("Conv2D", "Dense", "DepthwiseConv2D")


def folded(network: Any) -> Callable[[Any], Any] | None:
    """Return a function from raw inputs to what the network answers, with normalisations folded; None if there is nothing to fold.

    It agrees with the network up to rounding, which weights can be chosen to make large: compare before you rely on it.

    Args:
        network: A built functional or Sequential network.
    """
    pairs = _pairs(network)
    if not pairs:
        return None
    calls: dict[int, Callable[..., Any]] = {}
    for kernel, normalisation in pairs:
        calls[id(kernel)] = _replacement(kernel, *_affine(kernel, normalisation))
        calls[id(normalisation)] = lambda value, **_: value
    return lambda inputs: _run(network, inputs, calls)


def _pairs(network: Any) -> list[tuple[Any, Any]]:
    """Return each kernel whose outcome goes into one batch normalisation and nowhere else, with that."""
    found = flow(network)
    makers, consumers = found.makers(), found.consumers()
    calls = Counter(id(step.operation) for step in found.steps)
    pairs = []
    for step in found.steps:
        if not _is_normalisation(step.operation):
            continue
        (tensor,) = step.inputs
        maker = makers.get(tensor)
        if maker is None or tensor in found.outputs or len(consumers[tensor]) > 1:
            continue
        if _is_kernel(maker.operation) and calls[id(maker.operation)] == calls[id(step.operation)] == 1:
            pairs.append((maker.operation, step.operation))
    return pairs


def _is_normalisation(operation: Any) -> bool:
    import keras

    return (
        type(operation) is keras.layers.BatchNormalization
        and operation.axis in (-1, len(operation.input.shape) - 1)
        and operation.compute_dtype == "float32"
    )


def _is_kernel(operation: Any) -> bool:
    import keras

    return (
        type(operation) in [getattr(keras.layers, kind) for kind in _KERNELS]
        and operation.activation is keras.activations.linear
        and getattr(operation, "data_format", "channels_last") == "channels_last"
        and operation.compute_dtype == "float32"
        and operation.quantization_mode is None
    )


def _affine(kernel: Any, normalisation: Any) -> tuple[Any, Any]:
    """Return `W'` and `b'`, in single precision."""
    deviation = np.sqrt(np.asarray(normalisation.moving_variance, np.float64) + normalisation.epsilon)
    factor = _or(normalisation.gamma, 1.0) / deviation
    weights = np.asarray(kernel.kernel, np.float64)
    bias = (_or(kernel.bias, 0.0) - np.asarray(normalisation.moving_mean, np.float64)) * factor
    return (
        (weights * factor.reshape(weights.shape[2:] if _is_depthwise(kernel) else -1)).astype(np.float32),
        (bias + _or(normalisation.beta, 0.0)).astype(np.float32),
    )


def _or(weight: Any, default: float) -> Any:
    return default if weight is None else np.asarray(weight, np.float64)


def _is_depthwise(kernel: Any) -> bool:
    return type(kernel).__name__ == "DepthwiseConv2D"


def _replacement(kernel: Any, weights: Any, bias: Any) -> Callable[..., Any]:
    import keras

    def call(inputs: Any, **_: Any) -> Any:
        if _is_depthwise(kernel):
            found = keras.ops.depthwise_conv(
                inputs, weights, kernel.strides, kernel.padding, kernel.data_format, kernel.dilation_rate
            )
        elif hasattr(kernel, "convolution_op"):
            found = kernel.convolution_op(inputs, weights)
        else:
            found = keras.ops.matmul(inputs, weights)
        return found + bias

    return call


def _run(network: Any, inputs: Any, calls: dict[int, Callable[..., Any]]) -> Any:
    import keras
    import tensorflow as tf

    def operation_fn(operation: Any) -> Callable[..., Any]:
        if isinstance(operation, keras.Model):
            return lambda given, **_: _run(operation, given, calls)
        if id(operation) in calls:
            return calls[id(operation)]
        if isinstance(operation, keras.Layer) and operation._call_has_training_arg:
            return lambda *args, **options: operation(*args, **{**options, "training": False})
        called: Callable[..., Any] = operation
        return called

    # A Sequential model is a Functional one inside.
    network = getattr(network, "_functional", None) or network
    # Some names, such as _hidden, are allowed below another only.
    with tf.name_scope("folded"):
        found = network._run_through_graph(network._standardize_inputs(inputs), operation_fn=operation_fn)
    leaves = keras.tree.flatten(found)
    return leaves[0] if len(leaves) == 1 else found
