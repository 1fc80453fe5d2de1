"""A function as one TensorFlow graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

_Made = TypeVar("_Made", bound=Callable[..., Any])
# Of each kind, those of one scan.
_KEPT = 4


def kept(make: _Made) -> _Made:
    """Return a function that makes a graph as one that makes it once: the next search on the same network and images takes it again.

    Its arguments are compared by identity, or by what their classes compare.
    """
    return lru_cache(maxsize=_KEPT)(make)  # type: ignore[return-value]


def compiled(function: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
    """Return a function as one graph, made once, now.

    Nothing of it is translated from Python: that takes longer than many a search, and no branch here depends on a tensor.

    Args:
        function: Of tensors.
        signature: A `tf.TensorSpec` for each of its arguments.
    """
    import tensorflow as tf

    graph: Callable[..., Any] = tf.function(
        function, input_signature=signature, autograph=False
    ).get_concrete_function()
    return graph
