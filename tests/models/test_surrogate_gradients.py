"""Closed gates leak backward, and nothing changes forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate.models.graph.surrogate_gradients import SLOPE, surrogate_gradients

Function = Callable[[Any], Any]


def both(function: Function, values: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a function gives, its gradient, and its gradient through leaking gates."""
    import tensorflow as tf

    @tf.function
    def ask(x: Any) -> Any:
        plain = function(x)
        with surrogate_gradients():
            leaking = function(x)
        tf.debugging.assert_equal(plain, leaking)
        return plain, tf.gradients(plain, x)[0], tf.gradients(leaking, x)[0]

    found = ask(tf.constant(values))
    return tuple(each.numpy() for each in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "shut", "open_"),
    [
        ("relu", -3.0, 3.0),
        ("relu6", 7.0, 3.0),
        ("elu", -9.0, 3.0),
        ("selu", -9.0, 3.0),
        ("tanh", 9.0, 0.1),
    ],
)
def test_what_is_shut_leaks(keras: Any, name: str, shut: float, open_: float) -> None:
    _, plain, leaking = both(getattr(keras.activations, name), [shut, open_])

    assert abs(plain[0]) < 0.01
    assert SLOPE == pytest.approx(leaking[0])
    assert plain[1] == pytest.approx(leaking[1])


def test_a_threshold_leaks(keras: Any) -> None:
    _, plain, leaking = both(keras.layers.ReLU(threshold=4.9), [3.0, 5.0])

    assert [0.0, 1.0] == plain.tolist()
    assert leaking.tolist() == pytest.approx([SLOPE, 1.0])


def test_bounds_and_largest_values_leak(keras: Any) -> None:
    import tensorflow as tf

    for function in (
        lambda x: tf.clip_by_value(x, 0.0, 1.0),
        lambda x: tf.minimum(x, 1.0),
        lambda x: tf.maximum(x, 5.0),
        lambda x: tf.reduce_max(tf.stack([x, x * 0.0 + 9.0]), axis=0),
    ):
        _, plain, leaking = both(function, [3.0])
        assert [0.0] == plain.tolist()
        assert leaking.tolist() == pytest.approx([SLOPE])


def test_a_softmax_that_is_sure_leaks(keras: Any) -> None:
    import tensorflow as tf

    _, plain, leaking = both(lambda x: tf.nn.softmax(x[None])[0, 1:], [60.0, 0.0])

    assert abs(plain[1]) < 1e-9
    assert leaking[1] > 0.01


def test_values_of_other_shapes_keep_theirs(keras: Any) -> None:
    import tensorflow as tf

    _, plain, leaking = both(lambda x: tf.maximum(tf.zeros((2, 3)), x), [1.0, 2.0, 3.0])

    assert plain.tolist() == leaking.tolist() == [2.0, 2.0, 2.0]
