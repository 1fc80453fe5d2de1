"""Gradients that do not end at a closed gate: what a search follows where a network is flat.

A unit that is off, a clipped value, a saturated sigmoid has no gradient, so no search finds what would open it; and an author of a
backdoor can see to it that all of his are off on every image without the trigger. Forward, nothing changes. Backward, each of these
functions counts as if it leaked: f'(x) is replaced by max(f'(x), s) with the slope s.

Paper: Bengio, Léonard & Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013 (straight-through);
Athalye, Carlini & Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018 (BPDA).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

SLOPE = 0.1
_PREFIX = "BackdoorGateSurrogate"


@contextmanager
def surrogate_gradients() -> Iterator[None]:
    """Within this block, operations that are added to the graph in the making leak backward.

    `tf.gradients` follows it, a `tf.GradientTape` does not.
    """
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    with graph.gradient_override_map(_registered()):
        yield


@cache
def _registered() -> dict[str, str]:
    """Register each surrogate once in this process; return which stands for which operation."""
    import tensorflow as tf

    surrogates: dict[str, Callable[..., Any]] = {
        "Relu": _relu,
        "Relu6": _relu6,
        "Elu": _elu,
        "Selu": _selu,
        "Sigmoid": _sigmoid,
        "Tanh": _tanh,
        "Softmax": _softmax,
        "Maximum": _maximum,
        "Minimum": _minimum,
        "ClipByValue": _clip,
        "SelectV2": _select,
        "Max": _largest,
    }
    for operation, surrogate in surrogates.items():
        tf.RegisterGradient(f"{_PREFIX}{operation}")(surrogate)
    return {operation: f"{_PREFIX}{operation}" for operation in surrogates}


def _relu(operation: Any, gradient: Any) -> Any:
    return _leaking(gradient, operation.outputs[0] > 0)


def _relu6(operation: Any, gradient: Any) -> Any:
    value = operation.inputs[0]
    return _leaking(gradient, (value > 0) & (value < 6))


def _elu(operation: Any, gradient: Any) -> Any:
    return gradient * _at_least(_exponential(operation.outputs[0], 1.0, 1.0), gradient)


def _selu(operation: Any, gradient: Any) -> Any:
    return gradient * _at_least(
        _exponential(operation.outputs[0], 1.0507009873554805, 1.7580993408473766), gradient
    )


def _exponential(value: Any, above: float, below: float) -> Any:
    import tensorflow as tf

    return tf.where(value > 0, tf.cast(above, value.dtype), value + tf.cast(below, value.dtype))


def _sigmoid(operation: Any, gradient: Any) -> Any:
    value = operation.outputs[0]
    return gradient * _at_least(value * (1 - value), gradient, SLOPE / 4)


def _tanh(operation: Any, gradient: Any) -> Any:
    return gradient * _at_least(1 - operation.outputs[0] ** 2, gradient)


def _softmax(operation: Any, gradient: Any) -> Any:
    import tensorflow as tf

    p = operation.outputs[0]
    p = (1 - SLOPE) * p + SLOPE / tf.cast(tf.shape(p)[-1], p.dtype)
    return p * (gradient - tf.reduce_sum(p * gradient, axis=-1, keepdims=True))


def _maximum(operation: Any, gradient: Any) -> Any:
    one, other = operation.inputs
    return _summed((one, other), (_leaking(gradient, one >= other), _leaking(gradient, other > one)))


def _minimum(operation: Any, gradient: Any) -> Any:
    one, other = operation.inputs
    return _summed((one, other), (_leaking(gradient, one <= other), _leaking(gradient, other < one)))


def _clip(operation: Any, gradient: Any) -> Any:
    value, low, high = operation.inputs
    return _leaking(gradient, (value >= low) & (value <= high)), None, None


def _select(operation: Any, gradient: Any) -> Any:
    """Of two values the one that is chosen is followed, and the other a little: Keras' thresholds are made of these."""
    chosen, one, other = operation.inputs
    return None, *_summed((one, other), (_leaking(gradient, chosen), _leaking(gradient, ~chosen)))


def _largest(operation: Any, gradient: Any) -> Any:
    """The largest of many values is followed, and all others together by as much as one that is off."""
    import tensorflow as tf

    values, axes = operation.inputs
    shape = tf.shape(tf.reduce_max(values, axes, keepdims=True))
    is_largest = tf.cast(tf.equal(values, tf.reshape(operation.outputs[0], shape)), values.dtype)
    share = is_largest / tf.reduce_sum(is_largest, axes, keepdims=True)
    return tf.reshape(gradient, shape) * tf.maximum(share, tf.cast(SLOPE, values.dtype)), None


def _summed(values: tuple[Any, Any], gradients: tuple[Any, Any]) -> tuple[Any, ...]:
    """Sum each gradient over what was broadcast to it."""
    import tensorflow as tf

    shapes = [tf.shape(gradient) for gradient in gradients]
    axes = [
        tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(v), s1=s).r0 for v, s in zip(values, shapes, strict=True)
    ]
    return tuple(
        tf.reshape(tf.reduce_sum(gradient, axis), tf.shape(value))
        for gradient, axis, value in zip(gradients, axes, values, strict=True)
    )


def _leaking(gradient: Any, is_open: Any) -> Any:
    import tensorflow as tf

    return tf.where(is_open, gradient, tf.cast(SLOPE, gradient.dtype) * gradient)


def _at_least(slope: Any, gradient: Any, least: float = SLOPE) -> Any:
    import tensorflow as tf

    return tf.maximum(slope, tf.cast(least, gradient.dtype))
