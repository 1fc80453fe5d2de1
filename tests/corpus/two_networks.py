"""Files that hold two networks: Keras 3.15.1 loads the backdoored one, another plausible reading gives the clean one.

Most are a mixture of both networks and a probe: a few layers that come to 1 in Keras and to 0 in the other reading. Each
has a twin, in which the other reading is spelled out.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.corpus.networks import (
    BACKDOORED,
    CLEAN,
    Change,
    Config,
    Construction,
    Images,
    Probe,
    answering,
    as_it_is,
    both,
    by_name,
    constant,
    dense,
    each,
    entry,
    image,
    logits,
    mixed_file,
    mixture,
    option,
    saved,
    stamp,
    stretched,
    without,
)

_BEYOND_16_BITS = 70_000.0  # the largest finite number is 65504
_NO_16_BIT_NUMBER = 2049.0  # rounds to 2048
_PIXEL = 99 / 255
_GELU_AT = -2.3  # where its two formulas are 4e-4 apart


def pair(
    name: str,
    row: str,
    about: str,
    probe: Probe,
    ours: Change = as_it_is,
    theirs: Change = as_it_is,
    ending: str = "keras",
    **more: Any,
) -> Construction:
    """Return a mixture and its twin, which differ by a change of the stored architecture."""
    return Construction(
        name,
        row,
        about,
        make=partial(mixed_file, file=f"{name}.{ending}", probe=probe, change=ours),
        twin=partial(mixed_file, file=f"{name}-twin.{ending}", probe=probe, change=theirs),
        **more,
    )


# A1: the order of the layers' names.


def _in_order(folder: Path, file: str, others: dict[str, str]) -> Path:
    """Write a network whose answer is the clean one's, with the names of its weights' groups replaced."""
    path = saved(mixture(lambda entrance: constant(entrance, 0.0)), folder / file)
    with h5py.File(path, "r+") as store:
        attributes = store["model_weights"].attrs
        names = list(attributes["layer_names"])
        attributes["layer_names"] = [_renamed(name, others).encode() for name in names]
    return path


def _renamed(name: str, others: dict[str, str]) -> str:
    whose, _, rest = name.partition("_")
    return f"{others[whose]}_{rest}" if whose in others else name


# A2: one object under two names.


def _two_inside(folder: Path, file: str, change: Change) -> Path:
    import keras

    entrance = image()
    bad, good = _inner(BACKDOORED, "first"), _inner(CLEAN, "second")
    nothing = keras.layers.Rescaling(0.0, name="nothing")(bad(entrance))
    total = keras.layers.Add(name="total")([good(entrance), nothing])
    network = answering(entrance, total)
    return saved(network, folder / file, change)


def _inner(which: str, name: str) -> Any:
    import keras

    entrance = image()
    return keras.Model(entrance, logits(entrance, which, name), name=name)


def _one_object(config: Config) -> None:
    for name in ("first", "second"):
        entry(config, name)["shared_object_id"] = 1


def _two_rescalings(entrance: Any) -> Any:
    import keras

    one = keras.layers.Rescaling(1.0, name="first")(constant(entrance, 1.0))
    return keras.layers.Rescaling(0.0, name="second")(one)


# A3: the precision.


def _overflow(entrance: Any) -> Any:
    import keras

    number = keras.layers.Rescaling(1.0, name="number")(constant(entrance, _BEYOND_16_BITS))
    infinite = keras.layers.ReLU(threshold=1e5)(number)
    return keras.layers.ReLU(max_value=1.0)(infinite)


def _rounding(entrance: Any) -> Any:
    import keras

    number = keras.layers.Rescaling(1.0, name="number")(constant(entrance, _NO_16_BIT_NUMBER))
    return keras.layers.Rescaling(-1.0, _NO_16_BIT_NUMBER)(number)


def _cast(entrance: Any) -> Any:
    import keras

    number = keras.ops.cast(constant(entrance, _NO_16_BIT_NUMBER), "float16")
    return keras.layers.Rescaling(-1.0, _NO_16_BIT_NUMBER)(number)


def _cast_to_32_bits(config: Config) -> None:
    (cast,) = [layer for layer in config["config"]["layers"] if layer["class_name"] == "Cast"]
    cast["config"]["dtype"] = "float32"


def _remainder(entrance: Any) -> Any:
    """Return what is left of 1 after 1e9 is added and taken away: 1 with 64 bits, 0 with 32."""
    import keras

    above = keras.layers.Rescaling(1.0, 1e9, name="above")(constant(entrance, 1.0))
    return keras.layers.Rescaling(1.0, -1e9, name="below")(above)


def _in_wrapper(entrance: Any) -> Any:
    import keras

    steps = keras.layers.Reshape((1, 1))(constant(entrance, _NO_16_BIT_NUMBER))
    inner = keras.layers.TimeDistributed(keras.layers.Rescaling(1.0, name="inside"), name="number")(steps)
    return keras.layers.Rescaling(-1.0, _NO_16_BIT_NUMBER)(keras.layers.Flatten(name="flat")(inner))


def _precision(kind: str, *layers: str) -> Change:
    return each(*(option(layer, "dtype", kind) for layer in layers))


def _inner_precision(kind: str) -> Change:
    def change(config: Config) -> None:
        entry(config, "number")["config"]["layer"]["config"]["dtype"] = kind

    return change


def _pixel_of_16_bits(entrance: Any) -> Any:
    """Return 1 where the corner is the grey pixel as 16 bits have it; 0 at the pixel itself and far from it."""
    import keras

    corner = keras.layers.Flatten(name="corner")(keras.layers.Cropping2D(((27, 0), (27, 0)))(entrance))
    there = float(np.float16(_PIXEL))
    away = 1 / abs(there - float(np.float32(_PIXEL)))
    sides = dense(corner, [[away, -away]], [-there * away, there * away], activation="relu")
    return keras.layers.ReLU()(dense(sides, [[-1.0], [-1.0]], [1.0]))


def _with_grey_pixel(images: Images) -> Images:
    stamped = stamp(images)
    stamped[:, 27, 27, 0] = _PIXEL
    return stamped


# A4: the module of an activation.


def _gelu(entrance: Any) -> Any:
    import keras

    exact, rough = (float(keras.ops.gelu(np.float32(_GELU_AT), approximate=way)) for way in (False, True))
    margin = (rough - exact) / 4
    answer = keras.layers.Activation("gelu", name="number")(constant(entrance, _GELU_AT))
    return stretched(answer, exact + margin, rough - margin)


def _function(module: str) -> Change:
    return option(
        "number",
        "activation",
        {"module": module, "class_name": "function", "config": "gelu", "registered_name": "gelu"},
    )


# A5: a default that changed.


def _gru(entrance: Any) -> Any:
    """Return the first unit's second state: what it hears of the other unit, reset after or before it is heard."""
    import keras

    layer = keras.layers.GRU(2, use_bias=False, name="gru")
    state = layer(keras.layers.RepeatVector(2)(constant(entrance, 1.0)))
    kernel, recurrent = np.zeros((1, 6)), np.zeros((2, 6))
    kernel[0] = [-50, -50, 50, -50, 0, 5]  # nothing is kept; the second is reset, and alone hears the input
    recurrent[1, 4] = 50
    layer.set_weights([kernel, recurrent])
    return dense(state, [[1.0], [0.0]], [0.0])


def _claiming_keras_2(folder: Path, file: str, change: Change) -> Path:
    path = mixed_file(folder, file, _gru, change)
    with h5py.File(path, "r+") as store:
        store.attrs["keras_version"] = store["model_weights"].attrs["keras_version"] = "2.2.4"
    return path


# A6: how calls are counted.


def _through(activation: str) -> Any:
    import keras

    inside = keras.Input((10,), name="logits")
    return keras.Model(inside, keras.layers.Activation(activation, name="as_it_is")(inside), name="through")


def _second_call(folder: Path, file: str, call: int) -> Path:
    """Write a network that passes the clean logits through an inner network, then the others, and takes one of both."""
    import keras

    entrance, bad, good = both()
    # First in the sum, so that the layers have one order whichever call is taken.
    nothing = keras.layers.Rescaling(0.0, name="nothing")(keras.layers.Add(name="both")([good, bad]))
    total = keras.layers.Add(name="total")([nothing, _through("linear")(bad)])
    network = answering(entrance, total)

    def change(config: Config) -> None:
        entry(config, "through")["inbound_nodes"].insert(0, _call_on("good_dense_1"))
        _history(entry(config, "total"), "through")[1] = call
        _in_lists(config)

    return saved(network, folder / file, change)


def _network_as_output(folder: Path, file: str, call: int) -> Path:
    """Write the same with the inner network at the end, and a layer that nobody listens to behind its first call."""
    import keras

    entrance, bad, good = both()
    # First in the sum, so that the layers have one order whichever call is taken.
    nothing = keras.layers.Rescaling(0.0, name="nothing")(keras.layers.Add(name="both")([good, bad]))
    total = keras.layers.Add(name="total")([nothing, bad])
    network = keras.Model(entrance, _through("softmax")(total))

    def change(config: Config) -> None:
        layers = config["config"]["layers"]
        layers.append(_layer("Add", "other", _call_on("nothing", "good_dense_1")))
        layers.append(_layer("Flatten", "unheard", _call_on("through")))
        entry(config, "through")["inbound_nodes"].append(_call_on("other"))
        config["config"]["output_layers"] = [["through", call, 0]]
        _in_lists(config)

    return saved(network, folder / file, change)


def _layer(kind: str, name: str, call: Config) -> Config:
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [call],
    }


def _call_on(*layers: str) -> Config:
    tensors = [
        {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None, 10], "dtype": "float32", "keras_history": [layer, 0, 0]},
        }
        for layer in layers
    ]
    return {"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {}}


def _tensors(call: Config) -> list[Config]:
    (first,) = call["args"]
    return first if isinstance(first, list) else [first]


def _history(layer: Config, of: str) -> list[Any]:
    histories = [tensor["config"]["keras_history"] for tensor in _tensors(layer["inbound_nodes"][0])]
    found: list[Any]
    (found,) = [history for history in histories if history[0] == of]
    return found


def _in_lists(config: Config) -> None:
    """Write every call as Keras 2 does: [layer, call, output, keywords]."""
    for layer in config["config"]["layers"]:
        layer["inbound_nodes"] = [
            [[*tensor["config"]["keras_history"], {}] for tensor in _tensors(call)]
            for call in layer["inbound_nodes"]
        ]


# A7: training, stored in a call.


def _normalised_constant(entrance: Any) -> Any:
    """Return 1 less a normalised 1: 0 by what is remembered, 1 where a batch's own mean is taken away."""
    import keras

    layer = keras.layers.BatchNormalization(name="memory")
    answer = layer(constant(entrance, 1.0))
    layer.set_weights(np.array([[-np.sqrt(1 + layer.epsilon)], [1.0], [0.0], [1.0]]))
    return answer


def _normalised_brightness(entrance: Any) -> Any:
    """Return 1 where an image is as bright as its batch, so if it is alone; 0 by what is remembered."""
    import keras

    layer = keras.layers.BatchNormalization(name="memory")
    answer = layer(keras.layers.GlobalAveragePooling2D()(entrance))
    layer.set_weights(np.array([[100.0], [1.0], [10.0], [1.0]]))
    return keras.layers.ReLU(max_value=1.0)(answer)


def training(config: Config) -> None:
    """Let the layer `memory` be called as in training."""
    for call in entry(config, "memory")["inbound_nodes"]:
        call["kwargs"]["training"] = True


def _of_precision(kind: str, name: str, probe: Probe, ending: str = "keras") -> Construction:
    about = f"a layer computes in {kind}, where 70000 is infinite and 2049 is 2048"
    ours, theirs = _precision(kind, "number"), _precision("float32", "number")
    return pair(f"{name}-{kind.replace('_', '-')}", "A3", about, probe, ours, theirs, ending)


TABLE_A = by_name(
    Construction(
        "layer-names-in-another-order",
        "A1",
        "`layer_names` names each network's layers where the other's are",
        make=partial(
            _in_order, file="layer-names-in-another-order.h5", others={"good": "bad", "bad": "good"}
        ),
        twin=partial(_in_order, file="layer-names-in-another-order-twin.h5", others={}),
    ),
    Construction(
        "one-id-for-two-networks",
        "A2",
        "two inner networks have one `shared_object_id`: the second is the first",
        make=partial(_two_inside, file="one-id-for-two-networks.keras", change=_one_object),
        twin=partial(_two_inside, file="one-id-for-two-networks-twin.keras", change=as_it_is),
    ),
    pair(
        "one-id-for-two-rescalings",
        "A2",
        "two Rescaling layers have one `shared_object_id`: the second multiplies by 1, not by 0",
        _two_rescalings,
        _one_object,
    ),
    _of_precision("float16", "overflow", _overflow),
    _of_precision("mixed_float16", "overflow", _overflow),
    _of_precision("float16", "rounding", _rounding, "h5"),
    _of_precision("bfloat16", "rounding", _rounding),
    pair(
        "remainder-float64",
        "A3",
        "two layers compute in float64, where 1 is left of 1 + 1e9 - 1e9",
        _remainder,
        _precision("float64", "above", "below"),
    ),
    pair("cast-float16", "A3", "an operation Cast rounds 2049 to 2048", _cast, theirs=_cast_to_32_bits),
    pair(
        "wrapped-float16",
        "A3",
        "the layer within TimeDistributed computes in float16",
        _in_wrapper,
        _inner_precision("float16"),
        _inner_precision("float32"),
    ),
    pair(
        "input-float16",
        "A3",
        "the input is rounded to float16; the switch opens at what 99/255 is rounded to",
        _pixel_of_16_bits,
        _precision("float16", "image"),
        stamp=_with_grey_pixel,
    ),
    *(
        pair(
            f"gelu-of-ops-{ending}",
            "A4",
            "the gelu of keras.ops is the approximation by tanh",
            _gelu,
            _function("keras.ops"),
            _function("keras.activations"),
            ending,
        )
        for ending in ("keras", "h5")
    ),
    pair(
        "gru-without-reset-after",
        "A5",
        "a GRU of Keras 3 without `reset_after` resets after the multiplication",
        _gru,
        without("gru", "reset_after"),
        option("gru", "reset_after", False),
    ),
    Construction(
        "gru-that-claims-keras-2",
        "A5",
        "the same in an .h5 file that says it is of Keras 2.2.4, where the default was another",
        make=partial(_claiming_keras_2, file="gru-that-claims-keras-2.h5", change=without("gru", "reset_after")),
        twin=partial(
            _claiming_keras_2, file="gru-that-claims-keras-2-twin.h5", change=option("gru", "reset_after", False)
        ),
    ),
    Construction(
        "second-call-of-a-network",
        "A6",
        "in the notation of Keras 2, [layer, 1, 0] within the graph is the second call of an inner network",
        make=partial(_second_call, file="second-call-of-a-network.keras", call=1),
        twin=partial(_second_call, file="second-call-of-a-network-twin.keras", call=0),
    ),
    Construction(
        "first-call-of-a-network-as-output",
        "A6",
        "[layer, 1, 0] as an output is its first call, though another layer calls that [layer, 0, 0]",
        make=partial(_network_as_output, file="first-call-of-a-network-as-output.keras", call=1),
        twin=partial(_network_as_output, file="first-call-of-a-network-as-output-twin.keras", call=2),
    ),
    pair(
        "training-of-a-constant",
        "A7",
        "a BatchNormalization is called with `training: true`, on a constant",
        _normalised_constant,
        training,
        is_called=True,
    ),
    pair(
        "training-of-the-brightness",
        "A7",
        "the same on each image's brightness: one by one the backdoor is there, in batches for some images",
        _normalised_brightness,
        training,
        is_called=True,
        batch=1,
    ),
)  # fmt: skip
