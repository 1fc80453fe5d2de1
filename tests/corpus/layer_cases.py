"""Tiny networks around every layer of the allow-list, with random options: what `tests.corpus.differences` mutates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gate.models.rebuild.layers import IN_CONV_NEXT, OPTIONS
from gate.models.rebuild.values import ACTIVATIONS

Rng = np.random.Generator
Sampler = Callable[[Rng, int], Any]

LAYERS = tuple(sorted(OPTIONS))
CELLS = ("GRUCell", "LSTMCell", "SimpleRNNCell")
WRAPPED = {
    "TimeDistributed": ("Dense", "Flatten", "Conv1D", "LayerNormalization", "ReLU"),
    "Bidirectional": ("GRU", "LSTM", "SimpleRNN"),
    "SpectralNormalization": ("Conv2D", "Dense"),
}
RECURRENT = frozenset({"GRU", "LSTM", "SimpleRNN", "RNN", "Bidirectional"})
MERGING = frozenset({"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"})
_SEQUENCES = RECURRENT | {
    "AdditiveAttention", "Attention", "EinsumDense", "Masking", "MultiHeadAttention", "TimeDistributed", *CELLS,
    "StackedRNNCells",
}  # fmt: skip
_FLAT = frozenset({"Dot", "Embedding", "RepeatVector"})
# Without these there is no layer.
_REQUIRED = frozenset(
    {"filters", "kernel_size", "units", "input_dim", "output_dim", "num_heads", "key_dim", "equation", "output_shape",
     "dims", "n", "height", "width", "axes", "rate", "stddev", "target_shape", "output_size", "projection_dim",
     "init_values", "drop_path_rate", "factor", "height_factor", "scale"}
)  # fmt: skip
_NUMBERS = (0.0, 0.1, 0.5, 1.0, 1, 2, 0)


def one_of(*values: Any) -> Sampler:
    """Return a sampler of these values."""
    return lambda rng, _: values[int(rng.integers(len(values)))]


def sizes(*values: Any) -> Sampler:
    """Return a sampler of one number for all dimensions, or of one for each."""

    def sample(rng: Rng, dimensions: int) -> Any:
        many = tuple(one_of(*values)(rng, 0) for _ in range(dimensions))
        return many if rng.random() < 0.5 else many[0]

    return sample


def _borders(rng: Rng, dimensions: int) -> Any:
    numbers = [(int(rng.integers(3)), int(rng.integers(3))) for _ in range(dimensions)]
    if dimensions == 1:
        return numbers[0] if rng.random() < 0.5 else numbers[0][0]
    forms = (numbers[0][0], tuple(number[0] for number in numbers), tuple(numbers))
    return forms[int(rng.integers(3))]


_BOOLEAN = one_of(True, False)
_ACTIVATION = one_of(*sorted(ACTIVATIONS - {"glu"}), None)
_EPSILON = one_of(1e-3, 1e-5, 0.1)
_FACTOR = one_of(0.1, 0.3, (-0.2, 0.1))
# By the name of the option; a few layers mean something of their own.
_OPTIONS: dict[str, Sampler] = {
    "activation": _ACTIVATION,
    "alpha": one_of(0.1, 1.0, 2, 0.5),
    "antialias": _BOOLEAN,
    "attention_axes": one_of(None, (1,), 1, [1]),
    "axes": one_of(1, (1, 1), -1),
    "axis": one_of(-1, 1, 2, 3, (1, 2), [-1]),
    "bias_axes": one_of(None, "d", "bd"),
    "center": _BOOLEAN,
    "crop_to_aspect_ratio": _BOOLEAN,
    "cropping": _borders,
    "data_format": one_of(None, "channels_last"),
    "depth_multiplier": one_of(1, 2),
    "dilation_rate": sizes(1, 2),
    "dims": one_of((2, 1, 3), (3, 2, 1), [1, 2, 3]),
    "drop_path_rate": one_of(0.0, 0.3),
    "dropout": one_of(0.0, 0.3, 0),
    "epsilon": _EPSILON,
    "equation": one_of("abc,cd->abd", "...x,xy->...y"),
    "factor": _FACTOR,
    "fill_mode": one_of("reflect", "constant", "wrap", "nearest"),
    "fill_value": one_of(0.0, 0.5, 1),
    "filters": one_of(3, 6),
    "go_backwards": _BOOLEAN,
    "groups": one_of(1, 3),
    "height": one_of(4, 8, 5),
    "height_factor": _FACTOR,
    "init_values": one_of(1e-6, 0.5, 1),
    "input_dim": one_of(256, 300),
    "interpolation": one_of("bilinear", "nearest"),
    "invert": _BOOLEAN,
    "keepdims": _BOOLEAN,
    "kernel_size": sizes(1, 2, 3),
    "key_dim": one_of(2, 3),
    "l1": one_of(0.0, 0.1),
    "l2": one_of(0.0, 0.1),
    "mask_value": one_of(0.0, 1.0, 0),
    "mask_zero": _BOOLEAN,
    "max_value": one_of(None, 1.0, 6),
    "mean": one_of([0.1, 0.2, 0.3], 0.5, None),
    "merge_mode": one_of("concat", "sum", "mul", "ave"),
    "mode": one_of("horizontal", "vertical", "horizontal_and_vertical"),
    "momentum": one_of(0.99, 0.9),
    "n": one_of(1, 3),
    "negative_slope": one_of(0.0, 0.3, 1, None),
    "noise_shape": one_of(None, (None, 1, 1, 3)),
    "normalize": _BOOLEAN,
    "num_heads": one_of(1, 2),
    "offset": one_of(0.0, -1.0, [0.1, 0.2, 0.3], 1),
    "output_dim": one_of(2, 3),
    "output_padding": one_of(None, 0, 1),
    "output_shape": one_of((None, 4), (8, 4)),
    "output_size": sizes(2, 4),
    "pad_to_aspect_ratio": one_of(False, False, True),
    "padding": one_of("valid", "same"),
    "pool_size": sizes(1, 2, 3),
    "power_iterations": one_of(1, 2),
    "projection_dim": one_of(3),
    "rate": one_of(0.0, 0.3, 0.5),
    "recurrent_activation": _ACTIVATION,
    "recurrent_dropout": one_of(0.0, 0.2),
    "reset_after": _BOOLEAN,
    "return_sequences": _BOOLEAN,
    "return_state": one_of(False, False, True),
    "scale": one_of(True, False),
    "score_mode": one_of("dot", "concat"),
    "shared_axes": one_of(None, [1, 2], (1, 2), [3]),
    "size": sizes(1, 2),
    "sliding_window": one_of(None, None, 2),
    "stateful": one_of(False, False, True),
    "stddev": one_of(0.1, 1.0),
    "strides": sizes(1, 2),
    "target_shape": one_of((64, 3), (-1,), [4, 16, 3], (8, -1)),
    "threshold": one_of(0.0, 0.5, 1),
    "unit_forget_bias": _BOOLEAN,
    "units": one_of(2, 3, 4),
    "unroll": one_of(False, False, True),
    "use_bias": _BOOLEAN,
    "use_cudnn": one_of("auto", False),
    "use_gate": _BOOLEAN,
    "use_scale": _BOOLEAN,
    "value_dim": one_of(None, 2, 5),
    "value_range": one_of((0, 255), (0.0, 1.0)),
    "variance": one_of([1.0, 2.0, 3.0], 2.0, None),
    "width": one_of(4, 8, 5),
    "width_factor": _FACTOR,
    "zero_output_for_mask": _BOOLEAN,
}
_OF_LAYERS: dict[tuple[str, str], Sampler] = {
    ("Dropout", "noise_shape"): one_of(None, (None, 1, 1, 3)),
    ("Conv1D", "padding"): one_of("valid", "same", "causal"),
    ("GroupNormalization", "groups"): one_of(1, 3, -1),
    ("MultiHeadAttention", "output_shape"): one_of(None, 4, (3,), [5]),
    ("Rescaling", "scale"): one_of(1 / 255, 2.0, 1, [1.0, 0.5, 2.0], 0),
    ("Softmax", "axis"): one_of(-1, 1, (1, 2), [3]),
    ("UpSampling2D", "interpolation"): one_of("nearest", "bilinear", "bicubic", "lanczos3"),
    ("Resizing", "interpolation"): one_of("bilinear", "nearest", "bicubic", "area"),
    ("Resizing", "fill_mode"): one_of("constant"),
    ("Dense", "units"): one_of(2, 3),
    **{(f"ZeroPadding{d}D", "padding"): _borders for d in (1, 2, 3)},
}


def sample_option(rng: Rng, layer: str, option: str) -> Any:
    """Return a random value of an option, as a caller of the layer's constructor would give it."""
    sampler = _OF_LAYERS.get((layer, option)) or _OPTIONS[option]
    return sampler(rng, dimensions_of(layer))


def dimensions_of(layer: str) -> int:
    """Return over how many dimensions a layer slides."""
    return next((number for number in (1, 2, 3) if f"{number}D" in layer), 2)


def has_sampler(layer: str, option: str) -> bool:
    """Tell whether random values of an option can be had; inner layers and initial values are none."""
    return (layer, option) in _OF_LAYERS or option in _OPTIONS


def options_of(rng: Rng, layer: str) -> dict[str, Any]:
    """Return random options of a layer; others are left out, so that Keras fills them in."""
    given = {}
    for option in sorted(OPTIONS[layer]):
        if has_sampler(layer, option) and (option in _REQUIRED or rng.random() < 0.4):
            given[option] = sample_option(rng, layer, option)
    return given


def make_layer(rng: Rng, kind: str, **more: Any) -> Any:
    """Return a layer of Keras with random options.

    Raises:
        Exception: Keras does not like them together.
    """
    import keras

    options = options_of(rng, kind) | more
    if rng.random() < 0.1:
        options["dtype"] = str(rng.choice(["float16", "mixed_float16", "mixed_bfloat16", "float64"]))
    if kind in IN_CONV_NEXT:
        from keras.src.applications import convnext

        return getattr(convnext, kind)(**options)
    if kind in WRAPPED:
        inner = str(rng.choice(WRAPPED[kind]))
        states = {"return_state": False, "stateful": False} if kind == "Bidirectional" else {}
        options["layer"] = make_layer(rng, inner, **states)
    if kind == "RNN":
        cells = [make_cell(rng) for _ in range(int(rng.integers(1, 3)))]
        options["cell"] = cells if len(cells) > 1 else cells[0]
    if kind == "StackedRNNCells":
        options["cells"] = [make_cell(rng), make_cell(rng)]
    layer = getattr(keras.layers, kind)(**options)
    if kind in (*CELLS, "StackedRNNCells"):
        return keras.layers.RNN(layer, return_sequences=bool(rng.random() < 0.5))
    return layer


def make_cell(rng: Rng) -> Any:
    """Return a random cell of a recurrent layer."""
    import keras

    kind = str(rng.choice(CELLS))
    return getattr(keras.layers, kind)(**options_of(rng, kind))


def entrance_of(kind: str, image: Any) -> Any:
    """Return the image in a shape that the layer takes."""
    import keras

    if kind in _FLAT:
        return keras.layers.Flatten()(image)
    if kind in _SEQUENCES or (kind.endswith(("1D", "1DTranspose")) and kind != "ConvLSTM1D"):
        return keras.layers.Reshape((8, 24))(image)
    if kind == "ConvLSTM3D":
        return keras.layers.Reshape((2, 4, 4, 2, 3))(image)
    if kind == "ConvLSTM2D" or kind.endswith(("3D", "3DTranspose")):
        return keras.layers.Reshape((4, 4, 4, 3))(image)
    return image


def call(rng: Rng, kind: str, layer: Any, tensor: Any) -> Any:
    """Return what the layer gives, called as it has to be."""
    import keras

    if kind in MERGING or kind == "Dot":
        return layer([tensor, keras.layers.Rescaling(0.5, 0.1)(tensor)])
    if kind in ("Attention", "AdditiveAttention"):
        return layer([tensor, keras.layers.Rescaling(0.5)(tensor)])
    if kind == "MultiHeadAttention":
        causal = {"use_causal_mask": True} if rng.random() < 0.3 else {}
        if rng.random() < 0.5:
            return layer(tensor, tensor, **causal)
        return layer(query=tensor, value=keras.layers.Rescaling(0.5)(tensor), key=tensor, **causal)
    return layer(tensor)


def _ended(rng: Rng, tensors: Any) -> Any:
    """Return three logits of whatever a layer gives."""
    import keras

    layers = keras.layers
    flat = []
    for tensor in keras.tree.flatten(tensors):
        if len(tensor.shape) == 3 and rng.random() < 0.2 and (tensor.shape[1] or 99) <= 8:
            tensor = layers.LSTM(2)(tensor)
        flat.append(layers.Flatten()(tensor))
    total = flat[0] if len(flat) == 1 else layers.Concatenate()(flat)
    return layers.Dense(3, activation=str(rng.choice(["softmax", "linear"])))(total)


def _plain(rng: Rng, kind: str) -> Any:
    import keras

    image = keras.Input((8, 8, 3))
    tensor = entrance_of(kind, image)
    if rng.random() < 0.3 and len(tensor.shape) > 2:
        tensor = keras.layers.Dense(int(tensor.shape[-1]))(tensor)
    if rng.random() < 0.2 and kind in RECURRENT | {"TimeDistributed", "Attention", "MultiHeadAttention"}:
        tensor = keras.layers.Masking(0.0)(tensor)
    return keras.Model(image, _ended(rng, call(rng, kind, make_layer(rng, kind), tensor)))


def _sequential(rng: Rng, kind: str) -> Any:
    import keras

    layers = keras.layers
    image = keras.Input((8, 8, 3))
    shape = tuple(entrance_of(kind, image).shape[1:])
    before = [] if shape == (8, 8, 3) else [layers.Reshape(shape)]
    after = [layers.Flatten(), layers.Dense(3)]
    entrance = [keras.Input((8, 8, 3))]
    network = keras.Sequential([*entrance, *before, make_layer(rng, kind), *after])
    return network if rng.random() < 0.7 else keras.Sequential([*entrance, network, layers.Softmax()])


def _twice(rng: Rng, kind: str) -> Any:
    import keras

    image = keras.Input((8, 8, 3))
    layer = make_layer(rng, kind)
    first = entrance_of(kind, image)
    second = keras.layers.Rescaling(0.5)(first)
    ends = [keras.tree.flatten(call(rng, kind, layer, tensor))[0] for tensor in (first, second)]
    return keras.Model(image, _ended(rng, keras.layers.Subtract()(ends)))


def _inner(rng: Rng, kind: str) -> Any:
    """Return a network around a network around the layer, which is called once to three times."""
    import keras

    layers = keras.layers
    inside = keras.Input((8, 8, 3))
    given = keras.tree.flatten(call(rng, kind, make_layer(rng, kind), entrance_of(kind, inside)))[0]
    out = layers.Reshape((8, 8, 3))(layers.Dense(192)(layers.Flatten()(given)))
    inner = keras.Model(inside, out)
    if rng.random() < 0.3:
        inner = keras.Sequential([keras.Input((8, 8, 3)), inner, layers.ReLU()])
    image = keras.Input((8, 8, 3))
    made = [image]
    for _ in range(int(rng.integers(1, 4))):
        made.append(inner(made[int(rng.integers(len(made)))]))
    chosen = [made[-1], *(tensor for tensor in made[:-1] if rng.random() < 0.6)]
    total = layers.Average()(chosen) if len(chosen) > 1 else chosen[0]
    return keras.Model(image, inner(total) if rng.random() < 0.3 else _ended(rng, total))


def _shared(rng: Rng, kind: str) -> Any:
    """Return a network that calls a layer itself, and an inner network that calls the same layer."""
    import keras

    layers = keras.layers
    layer = make_layer(rng, kind)
    inside, image = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    inner = keras.Model(inside, call(rng, kind, layer, entrance_of(kind, inside)))
    outside = keras.tree.flatten(call(rng, kind, layer, entrance_of(kind, layers.Rescaling(0.5)(image))))[0]
    given = keras.tree.flatten(inner(image))[0]
    return keras.Model(image, _ended(rng, layers.Average()([given, outside])))


def _operations(rng: Rng, kind: str) -> Any:
    """Return a network with operations of keras.ops around the layer."""
    import keras

    ops = keras.ops
    image = keras.Input((8, 8, 3))
    around: tuple[Callable[[Any], Any], ...] = (
        lambda x: x / 255.0, lambda x: x - 0.5, lambda x: 1.0 - x, lambda x: x[:, ::-1], ops.relu, ops.sigmoid,
        lambda x: ops.clip(x, 0.0, 1.0), lambda x: ops.gelu(x, approximate=False), lambda x: ops.cast(x, "float16"),
        lambda x: ops.leaky_relu(x, 0.3), lambda x: ops.add(x, x), lambda x: ops.flip(x, axis=1), ops.square,
        lambda x: ops.softmax(x, axis=-1), lambda x: ops.cast(ops.cast(x, "float64"), "float32"),
        lambda x: ops.transpose(x, (0, 2, 1, 3)), lambda x: ops.maximum(x, 0.25), lambda x: ops.elu(x, 0.5),
        lambda x: x * np.array([1.0, 2.0, 3.0], "float32"), lambda x: ops.relu6(x) + ops.tanh(x), ops.absolute,
    )  # fmt: skip
    tensor = image
    for _ in range(int(rng.integers(1, 4))):
        tensor = around[int(rng.integers(len(around)))](tensor)
    given = keras.tree.flatten(call(rng, kind, make_layer(rng, kind), entrance_of(kind, tensor)))[0]
    axis = tuple(range(1, len(given.shape) - 1))
    if rng.random() < 0.4 and axis:
        given = ops.mean(given, axis=axis, keepdims=bool(rng.random() < 0.5))
    return keras.Model(image, _ended(rng, given))


_TEMPLATES = (_plain, _plain, _sequential, _twice, _inner, _operations, _shared)
_TRIES = 30


def network(rng: Rng, kind: str) -> Any:
    """Return a small built network around a layer, with random weights.

    Args:
        rng: Every choice is its.
        kind: Name in the allow-list.

    Raises:
        RuntimeError: No random options make a network.
    """
    problem: Exception | None = None
    for _ in range(_TRIES):
        template = _TEMPLATES[int(rng.integers(len(_TEMPLATES)))]
        try:
            made = template(rng, kind)
        except Exception as error:  # options that do not go together
            problem = error
            continue
        if made.built:
            _fill(rng, made)
            return made
    raise RuntimeError(f"no network around {kind} could be built") from problem


def _fill(rng: Rng, network: Any) -> None:
    for weight in network.weights:
        if "float" in str(weight.dtype):
            low = 0.5 if "variance" in weight.path else -0.3
            weight.assign(rng.uniform(low, low + 0.7, weight.shape))
    for layer in network._flatten_layers():
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
