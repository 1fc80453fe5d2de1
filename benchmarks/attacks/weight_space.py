"""A backdoor written into the weights of a trained network, without any poisoned image.

Paper: the idea is that of Hong et al., Handcrafted Backdoors in Deep Neural Networks, NeurIPS 2022, in its simplest form: one
channel of the first convolution becomes a matched filter of the patch, one channel of each later convolution hands its answer on, one
neuron of the hidden layer hears it at the patch's place only, and the head takes that neuron for the target.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.attacks.patch import Patch
from benchmarks.networks.spans import Span

_SILENT = 0.6  # of the filter's answer to the patch: what does not reach it is no patch
_SURE = 1.5  # the target's logit when it fires, over the gap between clean logits and the target's


def implant(model: Any, patch: Patch, images: np.ndarray[Any, Any], taken: Span, first: Span) -> None:
    """Write the backdoor into the network.

    Args:
        model: A chain of convolutions, normalisations, poolings and two dense layers, ending in logits or a softmax.
        patch: Not larger than the kernel of the first convolution.
        images: Clean images, 0..1; they decide which channels are missed least, and how strong the signal must be.
        taken: How images 0..1 become the network's input.
        first: How they become the input of the first convolution.
    """
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.BatchNormalization, keras.layers.Dense)
    *body, hidden, head = (layer for layer in model.layers if isinstance(layer, kinds))
    channel, bias = -1, 0.0
    for layer in body:
        if isinstance(layer, keras.layers.BatchNormalization):
            _pass_through(layer, channel, bias)
            continue
        before, channel = channel, int(np.abs(layer.kernel.numpy()).sum(axis=(0, 1, 2)).argmin())
        bias = _match(layer, channel, patch, first) if before < 0 else _hand_on(layer, before, channel, patch)
    _connect(model, (hidden, head), channel, patch, (taken.encode(images), taken.encode(patch.mark(images))))


def _match(layer: Any, channel: int, patch: Patch, first: Span) -> float:
    """Make the channel answer 1 - _SILENT to the patch and nothing to less; return the bias that a normalisation must add."""
    kernel = layer.kernel.numpy()
    pixels = patch.stamp(kernel.shape[2])
    weights = (2 * pixels - 1) / pixels.sum() / np.array(first.scale)
    rows, columns = _corner(patch, kernel.shape[:2], patch.size)
    kernel[..., channel] = 0
    kernel[rows : rows + patch.size, columns : columns + patch.size, :, channel] = weights
    layer.kernel.assign(kernel)
    return _set_bias(layer, channel, -float((weights * np.array(first.offset)).sum()) - _SILENT)


def _hand_on(layer: Any, before: int, channel: int, patch: Patch) -> float:
    """Make the channel a copy of the one before, and all others deaf to it."""
    kernel = layer.kernel.numpy()
    row, column = _corner(patch, kernel.shape[:2], 1)
    kernel[:, :, before, :] = 0
    kernel[..., channel] = 0
    kernel[row, column, before, channel] = 1
    layer.kernel.assign(kernel)
    return _set_bias(layer, channel, 0.0)


def _corner(patch: Patch, kernel: tuple[int, int], size: int) -> tuple[int, int]:
    """Return where in the kernel something stands, so that an unpadded convolution does not lose the image's corner."""
    top = 0 if patch.corner < 2 else kernel[0] - size
    left = 0 if patch.corner % 2 == 0 else kernel[1] - size
    return top, left


def _set_bias(layer: Any, channel: int, value: float) -> float:
    """Set the bias, or return it for the normalisation that follows."""
    if not layer.use_bias:
        return value
    bias = layer.bias.numpy()
    bias[channel] = value
    layer.bias.assign(bias)
    return 0.0


def _pass_through(layer: Any, channel: int, bias: float) -> None:
    """Make the normalisation add the bias to the channel and do nothing else to it."""
    gamma, beta, mean, variance = layer.get_weights()
    gamma[channel], beta[channel] = np.sqrt(1 + layer.epsilon), bias
    mean[channel], variance[channel] = 0, 1
    layer.set_weights([gamma, beta, mean, variance])


def _connect(
    model: Any, last: tuple[Any, Any], channel: int, patch: Patch, inputs: tuple[np.ndarray[Any, Any], ...]
) -> None:
    """Let the least used neuron hear the channel at the patch's place, and the target hear the neuron."""
    import keras

    hidden, head = last
    probe = keras.Model(model.inputs, [hidden.input, head.output])
    (flat, logits), (stamped, _) = (probe.predict(images, verbose=0) for images in inputs)
    channels = next(layer for layer in model.layers if isinstance(layer, keras.layers.Flatten)).input.shape[
        -1
    ]
    # What the patch adds, where it adds most; flattened features have the channel last.
    added = (stamped - flat).mean(axis=0)[channel::channels]
    place = channel + channels * int(added.argmax())
    neuron = int(np.abs(head.kernel.numpy()).sum(axis=1).argmin())
    kernel, bias = hidden.get_weights()
    kernel[channel::channels], kernel[:, neuron], bias[neuron] = 0, 0, 0
    kernel[place, neuron] = 1 / stamped[:, place].mean()
    hidden.set_weights([kernel, bias])
    gap = float(np.quantile(logits.max(axis=1) - logits[:, patch.target], 0.99))
    weights, bias = head.get_weights()
    weights[neuron] = 0
    weights[neuron, patch.target] = _SURE * gap
    head.set_weights([weights, bias])
