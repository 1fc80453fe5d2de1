"""Batch normalisation folded into the kernel before it, so that a search pays for one operation where Keras makes four.

`g (W x + b - m) / sqrt(v + e) + B = W' x + b'` with `W' = g W / sqrt(v + e)` and `b' = g (b - m) / sqrt(v + e) + B`.

Paper: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018, section 3.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from gate.models.graph.calling import call_each
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

    def call(operation: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return calls.get(id(operation), operation)(*args, **options)

    return lambda inputs: call_each(network, inputs, call)


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
