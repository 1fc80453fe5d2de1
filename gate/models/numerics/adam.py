"""Adam on plain tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

_DECAY_1, _DECAY_2 = 0.5, 0.9
_EPSILON = 1e-8


def first_state(*variables: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return the state that `adam` begins with: the variables, then two empty moments of each."""
    import tensorflow as tf

    return *variables, *(tf.zeros_like(variable) for variable in variables for _ in range(2))


def adam(
    state: tuple[tf.Tensor, ...], gradients: tuple[tf.Tensor, ...], time: tf.Tensor, rate: float
) -> tuple[tf.Tensor, ...]:
    """Return the variables and their moments after one step: `x - rate m' / (sqrt(v') + 1e-8)`.

    `m' = m / (1 - b1^t)` and `v' = v / (1 - b2^t)`, where `m = b1 m + (1 - b1) g` and `v = b2 v + (1 - b2) g^2`.

    Args:
        state: The n variables, then first and second moment of each variable in turn.
        gradients: Of the n variables.
        time: Number of the step, from 1.
        rate: Learning rate.

    Paper: Kingma & Ba, Adam, ICLR 2015 (https://arxiv.org/abs/1412.6980); decays of Neural Cleanse.
    """
    import tensorflow as tf

    count = len(gradients)
    variables, moments = [], []
    for variable, gradient, first, second in zip(
        state[:count], gradients, state[count::2], state[count + 1 :: 2], strict=True
    ):
        new_first = _DECAY_1 * first + (1 - _DECAY_1) * gradient
        new_second = _DECAY_2 * second + (1 - _DECAY_2) * tf.square(gradient)
        scale = tf.sqrt(new_second / (1 - _DECAY_2**time)) + _EPSILON
        variables.append(variable - rate * new_first / (1 - _DECAY_1**time) / scale)
        moments += [new_first, new_second]
    return (*variables, *moments)
