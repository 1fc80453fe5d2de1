"""A network run operation by operation, each called by whoever wants to read, replace or change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Called with an operation, its arguments and its options; returns what is to come out.
Call = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def call_each(network: Any, inputs: Any, call: Call) -> Any:
    """Return what a built network gives for a batch of raw inputs, inner networks included; nothing is in training.

    Args:
        network: Functional or Sequential.
        inputs: Shape ``(n, h, w, c)``.
        call: Calls each operation.
    """
    import keras
    import tensorflow as tf

    def calling(operation: Any) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            if isinstance(operation, keras.Model):
                return call_each(operation, args[0], call)
            if isinstance(operation, keras.Layer) and operation._call_has_training_arg:
                options["training"] = False
            return call(operation, args, options)

        return called

    # A Sequential model is a Functional one inside.
    network = getattr(network, "_functional", None) or network
    # Some names, such as _hidden, are allowed below another only.
    with tf.name_scope("walk"):
        found = network._run_through_graph(network._standardize_inputs(inputs), operation_fn=calling)
    leaves = keras.tree.flatten(found)
    return leaves[0] if len(leaves) == 1 else found
