"""Single changes of a stored network, as Keras' own rules allow them or nearly do."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gate.models.rebuild.layers import OPTIONS
from gate.models.rebuild.values import ACTIVATIONS
from tests.corpus.layer_cases import Rng, has_sampler, sample_option
from tests.corpus.legacy_notation import in_keras_2
from tests.corpus.stored_models import Config, Stored, entries, objects

_BUILT_FOR: tuple[Any, ...] = (
    [None, 8, 8, 3], [None, 4, 4, 3], [None, 192], [1, 8, 8, 3], None, [None, None, None, 3], [[None, 8, 8, 3]] * 2, [8, 8, 3],
    [None, 8, 24], [None, None, 8, 8, 3],
)  # fmt: skip
# Returns what it changed, in words; "" if there was nothing to change.
Mutation = Callable[[Rng, Stored], str]

_MODULES = (
    "keras.layers", "keras.src.layers", "keras.ops", "keras.ops.nn", "keras.activations", "builtins", "keras", None,
    "keras.src.activations.activations", "keras.src.ops.nn", "keras.src.ops.numpy", "keras.models",
    "keras.src.layers.core.dense", "keras.src.models.functional", "keras.src.models.sequential",
    "keras.src.applications.convnext", "keras.layers.experimental", "keras.initializers",
)  # fmt: skip
_TYPES = (
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "mixed_float16",
    "mixed_bfloat16",
    "int32",
    "uint8",
    "bool",
    None,
)
_VERSIONS = ("1.2.2", "2.2.4", "2.15.0", "3.0.0", "3.15.1", "", "4.0", "03.1", None)
_CLASSES = {
    "Conv2D": ("Convolution2D", "Conv1D", "AtrousConvolution2D"), "Conv1D": ("Convolution1D",), "Dense": ("EinsumDense",),
    "MaxPooling2D": ("MaxPool2D", "AveragePooling2D"), "AveragePooling2D": ("AvgPool2D",), "ReLU": ("ThresholdedReLU", "ELU"),
    "BatchNormalization": ("BatchNormalizationV1", "BatchNormalizationV2"), "LSTM": ("CuDNNLSTM",), "GRU": ("CuDNNGRU",),
    "GlobalAveragePooling2D": ("GlobalAvgPool2D",), "GlobalMaxPooling2D": ("GlobalMaxPool2D",), "Identity": ("Activation",),
    "SeparableConv2D": ("SeparableConvolution2D",), "Functional": ("Model", "Sequential"), "Sequential": ("Functional",),
    "Rescaling": ("Normalization",), "Add": ("Subtract", "Multiply"), "Flatten": ("Identity",), "Dropout": ("GaussianNoise",),
    "Conv2DTranspose": ("Convolution2DTranspose", "Deconvolution2D"), "LayerNormalization": ("RMSNormalization",),
}  # fmt: skip
# Earlier versions wrote these, later ones do something with some of them.
_OLD_OPTIONS: dict[str, tuple[Any, ...]] = {
    "alpha": (0.3, 1), "theta": (0.5,), "time_major": (True, False), "implementation": (1, 2), "input_length": (8,),
    "batch_input_shape": ([None, 8, 8, 3],), "input_shape": ([8, 8, 3],), "batch_size": (1, None), "ragged": (True, False),
    "sparse": (True, False), "renorm": (True, False), "fused": (True, False), "virtual_batch_size": (2, None), "autocast": (False, True),
    "synchronized": (True, False), "rms_scaling": (True, False), "groups": (1, 3), "quantization_config": (None, {}),
    "lora_rank": (2, None), "value_range": ([0, 255], [0, 1]), "seed": (1, None), "unknown": (None, False, 0, 1),
    "bias": (False, True), "init": ("uniform",), "activity_regularizer": ("l2", None), "dtype_policy": ("float16",),
    "mode": (0, 1), "rng_type": (None,), "dim_ordering": ("tf", "th"), "border_mode": ("same", "valid"), "p": (0.5,),
    "nb_filter": (3,), "subsample": ([2, 2],), "flash_attention": (True, False, None), "optional": (True, False),
    "query_shape": ([None, 8, 24],), "softmax_robust_masking": (True, False), "dropout": (0.0, 0.5), "name": ("other", None),
    "shape": ([8, 8, 3],), "batch_shape": ([1, 8, 8, 3], [None, 8, 8, 3], [None, None, None, 3]), "trainable": (False, None),
    "gptq_unpacked_column_size": (1,), "data_format": ("channels_first", "channels_last", None, "CHANNELS_LAST"),
    "arguments": ({},), "inbound_nodes": ([],), "max_norm": (None,), "use_cudnn": ("auto", True), "input_dtype": ("float16",),
}  # fmt: skip
_CALL_OPTIONS: dict[str, tuple[Any, ...]] = {
    "training": (True, False, None, 1, "true"), "mask": (None, False), "return_attention_scores": (True, False),
    "use_causal_mask": (True, False), "initial_state": (None,), "axis": (1, -1), "unknown": (None, 1), "x2": (2.0,),
    "attention_mask": (None,), "approximate": (True, False), "dtype": ("float16",), "name": ("op", None), "keepdims": (True,),
}  # fmt: skip


def pick(rng: Rng, values: Any) -> Any:
    """Return one of several values."""
    listed = list(values)
    return listed[int(rng.integers(len(listed)))]


def _named(entry: Config) -> str:
    config = entry.get("config")
    return f"{entry.get('class_name')} {config.get('name') if isinstance(config, dict) else config}"


def _layers(stored: Stored) -> list[Config]:
    found = [
        entry
        for entry in objects(stored.config)
        if isinstance(entry.get("config"), dict) and "name" in entry["config"]
    ]
    return [entry for entry in found if entry["class_name"] != "DTypePolicy"]


def _any_layer(rng: Rng, stored: Stored) -> Config:
    found = _layers(stored)
    focused = [entry for entry in found if entry["class_name"] == stored.focus]
    chosen: Config = pick(rng, focused if focused and rng.random() < 0.6 else found)
    return chosen


def _any_object(rng: Rng, stored: Stored) -> Config:
    if rng.random() < 0.6:
        return _any_layer(rng, stored)
    found: Config = pick(rng, objects(stored.config))
    return found


def drop_option(rng: Rng, stored: Stored) -> str:
    """Leave an option out, so that a default stands in."""
    entry = _any_layer(rng, stored)
    key = pick(rng, entry["config"])
    del entry["config"][key]
    return f"{_named(entry)}: without {key}"


def drop_key(rng: Rng, stored: Stored) -> str:
    """Leave a key of an object out: its module, its name, its calls."""
    entry = _any_object(rng, stored)
    key = pick(rng, entry)
    del entry[key]
    return f"{_named(entry)}: without the key {key}"


def other_value(rng: Rng, stored: Stored) -> str:
    """Give an option another of its usual values."""
    entry = _any_layer(rng, stored)
    known = [
        (entry, option)
        for option in sorted(OPTIONS.get(entry["class_name"], ()))
        if has_sampler(entry["class_name"], option)
    ]
    if not known:
        return ""
    entry, option = pick(rng, known)
    entry["config"][option] = json.loads(json.dumps(sample_option(rng, entry["class_name"], option)))
    return f"{_named(entry)}: {option}={entry['config'][option]!r}"


def other_notation(rng: Rng, stored: Stored) -> str:
    """Write a value in another way, which may or may not mean the same."""
    entry = _any_layer(rng, stored)
    key = pick(rng, entry["config"])
    old = entry["config"][key]
    entry["config"][key] = pick(rng, list(_notations(old)))
    return f"{_named(entry)}: {key}={entry['config'][key]!r} for {old!r}"


def _notations(value: Any) -> Iterator[Any]:
    yield None
    yield [value]
    yield {"class_name": "__tuple__", "items": value if isinstance(value, list) else [value]}
    if isinstance(value, bool):
        yield from (int(value), str(value), not value, float(value))
    elif isinstance(value, (int, float)):
        yield from (
            float(value),
            int(value),
            bool(value),
            str(value),
            -value,
            value + 1,
            [value] * 2,
            [value] * 3,
        )
        yield {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}
        yield {"class_name": "__tensor__", "config": {"value": value, "dtype": "float32"}}
    elif isinstance(value, str):
        yield from (
            value.upper(),
            value.title(),
            f" {value}",
            "",
            f"{value}_v2",
            {"class_name": value, "config": {}},
        )
    elif isinstance(value, list):
        yield from (value[::-1], value[:1], value + value[-1:], [])
        if value and len({json.dumps(item) for item in value}) == 1:
            yield value[0]
        yield {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}


def old_option(rng: Rng, stored: Stored) -> str:
    """Add an option of earlier versions, or of another layer."""
    entry = _any_layer(rng, stored)
    key = pick(rng, _OLD_OPTIONS)
    entry["config"][key] = copy.deepcopy(pick(rng, _OLD_OPTIONS[key]))
    return f"{_named(entry)}: {key}={entry['config'][key]!r}"


def foreign_option(rng: Rng, stored: Stored) -> str:
    """Add an option that another layer takes."""
    entry = _any_layer(rng, stored)
    kind = pick(rng, sorted(OPTIONS))
    known = [option for option in sorted(OPTIONS[kind]) if has_sampler(kind, option)]
    if not known:
        return ""
    key = pick(rng, known)
    entry["config"][key] = json.loads(json.dumps(sample_option(rng, kind, key)))
    return f"{_named(entry)}: {key}={entry['config'][key]!r}"


def other_module(rng: Rng, stored: Stored) -> str:
    """Say that a class or function is of another module."""
    entry = _any_object(rng, stored)
    entry["module"] = pick(rng, _MODULES)
    return f"{_named(entry)}: module={entry['module']}"


def other_class(rng: Rng, stored: Stored) -> str:
    """Name another class: a synonym, or one that takes the same options."""
    entry = _any_layer(rng, stored)
    kind = pick(rng, _CLASSES.get(entry["class_name"], ())) if entry["class_name"] in _CLASSES else None
    entry["class_name"] = kind or pick(rng, sorted(OPTIONS))
    return f"{_named(entry)} is the class now"


def registered_name(rng: Rng, stored: Stored) -> str:
    """Register an object under another name."""
    entry = _any_object(rng, stored)
    entry["registered_name"] = pick(
        rng, (None, entry["class_name"], "Dense", "ReLU", "relu", "keras>Dense", "")
    )
    return f"{_named(entry)}: registered_name={entry['registered_name']}"


def activation(rng: Rng, stored: Stored) -> str:
    """Write an activation as a text, as a function of a module, or as a layer."""
    entries_ = [
        entry
        for entry in _layers(stored)
        if any("activation" in key for key in OPTIONS.get(entry["class_name"], ()))
    ]
    if not entries_:
        return ""
    entry = pick(rng, entries_)
    key = pick(rng, [key for key in sorted(OPTIONS[entry["class_name"]]) if "activation" in key])
    entry["config"][key] = _activation(rng)
    return f"{_named(entry)}: {key}={entry['config'][key]!r}"


def _activation(rng: Rng) -> Any:
    name = str(
        pick(
            rng,
            (
                *sorted(ACTIVATIONS),
                "GELU",
                "leakyrelu",
                "softmax_v2",
                "Relu",
                "sparsemax",
                "sparse_sigmoid",
                "LeakyReLU",
            ),
        )
    )
    forms: tuple[Any, ...] = (
        name,
        {"module": pick(rng, _MODULES), "class_name": "function", "config": name, "registered_name": pick(rng, (name, None, "relu", "tanh"))},
        {"class_name": "function", "config": name, "registered_name": pick(rng, (name, "relu"))},
        {"module": "keras.layers", "class_name": pick(rng, ("ReLU", "LeakyReLU", "ELU", "Softmax")), "config": {}, "registered_name": None},
        {"class_name": name, "config": {}},
        {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"},
    )  # fmt: skip
    return pick(rng, forms)


def shared_id(rng: Rng, stored: Stored) -> str:
    """Say that two objects are one: two layers, two types, a layer and a type."""
    found = list(objects(stored.config))
    layers = _layers(stored)
    pool = layers if rng.random() < 0.7 else found
    kind = pick(
        rng,
        [kind for kind, number in Counter(entry["class_name"] for entry in pool).items() if number > 1]
        or [""],
    )
    alike = [entry for entry in pool if entry["class_name"] == kind]
    pool = alike if alike and rng.random() < 0.8 else pool
    number = int(rng.integers(1, 4))
    chosen = [pool[int(place)] for place in rng.permutation(len(pool))[:2]]
    if len(chosen) < 2:
        return ""
    if rng.random() < 0.7:
        chosen[1]["config"] = copy.deepcopy(chosen[0]["config"])
        chosen[1]["class_name"] = chosen[0]["class_name"]
        chosen[1] |= {"module": chosen[0]["module"]} if "module" in chosen[0] else {}
    for entry in chosen:
        entry["shared_object_id"] = number
    return f"{_named(chosen[0])} and {_named(chosen[1])} are one"


def other_type(rng: Rng, stored: Stored) -> str:
    """Compute in another precision."""
    entry = _any_layer(rng, stored)
    name = pick(rng, _TYPES)
    policy = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": name},
        "registered_name": None,
    }
    old = {
        "class_name": pick(rng, ("Policy", "PolicyV1", "DTypePolicy")),
        "config": {"name": name, "loss_scale": None},
    }
    deeper = {"class_name": "DTypePolicy", "config": {"name": name, "source_name": "float16"}}
    by_place = {
        "class_name": "DTypePolicyMap",
        "module": "keras.dtype_policies",
        "config": {"policy_map": {}, "default_policy": name},
    }
    entry["config"]["dtype"] = pick(rng, (name, name, name, policy, policy, old, deeper, by_place))
    return f"{_named(entry)}: dtype={entry['config']['dtype']!r}"


def trainable(rng: Rng, stored: Stored) -> str:
    """Freeze or thaw a layer or a network."""
    entry = _any_layer(rng, stored)
    entry["config"]["trainable"] = pick(rng, (False, False, True, None, 0, "false"))
    return f"{_named(entry)}: trainable={entry['config']['trainable']!r}"


def build_config(rng: Rng, stored: Stored) -> str:
    """Say that a layer was built for another shape."""
    built = [entry for entry in objects(stored.config) if isinstance(entry.get("build_config"), dict)]
    focused = [entry for entry in built if entry["class_name"] in (stored.focus, "Reshape", "Flatten")]
    entry = pick(rng, focused if focused and rng.random() < 0.7 else built or list(entries(stored.config)))
    shapes = list(_shapes(entry.get("build_config")))
    if not shapes or rng.random() < 0.2:
        shape = pick(rng, _BUILT_FOR)
        entry["build_config"] = {
            pick(rng, ("input_shape", "shapes_dict", "seed_shape", "query_shape")): shape
        }
    else:
        _change_shape(rng, pick(rng, shapes))
    return f"{_named(entry)}: built for {entry['build_config']}"


def _shapes(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        if value and not isinstance(value[-1], (list, dict)):
            yield value
        for item in value:
            yield from _shapes(item)


def _change_shape(rng: Rng, shape: list[Any]) -> None:
    place = int(rng.integers(len(shape)))
    change = int(rng.integers(5))
    if change == 0:
        shape[place] = pick(rng, (None, 1, 2, 4, 3, 6, 8, 12, 24))
    elif change == 1:
        shape.pop(place)
    elif change == 2:
        shape.insert(place, pick(rng, (None, 1, 2)))
    elif change == 3:
        shape.reverse()
    elif len(shape) > 2:  # as many numbers, differently
        shape[1], shape[-1] = shape[-1], shape[1]


def built_shape(rng: Rng, stored: Stored) -> str:
    """Say that a network was built for another shape, and leave its input out or not."""
    networks = [
        entry for entry in (stored.config, *entries(stored.config)) if entry["class_name"] == "Sequential"
    ]
    if not networks:
        return ""
    entry = pick(rng, networks)
    if rng.random() < 0.7:
        entry["config"]["layers"].pop(0)
    if rng.random() < 0.4:
        entry["config"]["build_input_shape"] = pick(rng, _BUILT_FOR)
    first = entry["config"]["layers"][0]["config"]
    if rng.random() < 0.3:
        first[pick(rng, ("batch_input_shape", "input_shape", "batch_shape", "shape"))] = pick(rng, _BUILT_FOR)
    if rng.random() < 0.5:
        first["dtype"] = pick(rng, _TYPES)
    return f"{_named(entry)} begins with {first}"


def drop_entry(rng: Rng, stored: Stored) -> str:
    """Leave a layer out of the list."""
    lists = [
        entry["config"]["layers"]
        for entry in (stored.config, *entries(stored.config))
        if "layers" in entry["config"]
    ]
    listed = pick(rng, lists)
    return f"without {_named(listed.pop(int(rng.integers(len(listed)))))}"


def _calls(stored: Stored) -> list[Config]:
    return [
        entry
        for entry in entries(stored.config)
        if isinstance(entry.get("inbound_nodes"), list) and entry["inbound_nodes"]
    ]


def call_option(rng: Rng, stored: Stored) -> str:
    """Call a layer with another argument."""
    if not (found := _calls(stored)):
        return ""
    entry = pick(rng, found)
    node = pick(rng, entry["inbound_nodes"])
    key = pick(rng, _CALL_OPTIONS)
    value = pick(rng, _CALL_OPTIONS[key])
    if isinstance(node, dict):
        node["kwargs"][key] = value
    else:
        last = node[-1] if isinstance(node[-1], list) else node
        last.append({}) if len(last) == 3 else None
        last[3][key] = value
    return f"{_named(entry)}: called with {key}={value!r}"


def call_form(rng: Rng, stored: Stored) -> str:
    """Pass a tensor in a list, by a keyword, or twice."""
    found = [
        (entry, node) for entry in _calls(stored) for node in entry["inbound_nodes"] if isinstance(node, dict)
    ]
    if not found:
        return ""
    entry, node = pick(rng, found)
    args = node["args"]
    form = int(rng.integers(5))
    if form == 0 and args:
        args[0] = args[0] if isinstance(args[0], list) else [args[0]]
    elif form == 1 and args:
        node["kwargs"][str(pick(rng, ("inputs", "x", "sequence", "query", "value", "data")))] = args.pop()
    elif form == 2 and args:
        args.append(copy.deepcopy(args[0]))
    elif form == 3 and args and isinstance(args[0], list):
        args[0].reverse()
    elif args and isinstance(args[0], list):
        node["args"] = args[0]
    return f"{_named(entry)}: another form of call, {form}"


def call_number(rng: Rng, stored: Stored) -> str:
    """Refer to another call, or to another output."""
    histories = list(_histories(stored.config))
    if not histories:
        return ""
    history = pick(rng, histories)
    place = int(rng.integers(1, 3)) if rng.random() < 0.3 else 1
    history[place] = int(rng.integers(0, 4)) if rng.random() < 0.8 else int(rng.integers(-2, 6))
    return f"refers to {history}"


def _histories(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _histories(item)
    elif isinstance(value, list):
        if (
            len(value) >= 3
            and isinstance(value[0], str)
            and isinstance(value[1], int)
            and isinstance(value[2], int)
        ):
            yield value
        else:
            for item in value:
                yield from _histories(item)


def other_source(rng: Rng, stored: Stored) -> str:
    """Take a tensor of another layer."""
    histories = list(_histories(stored.config))
    if not histories:
        return ""
    history, other = pick(rng, histories), pick(rng, histories)
    history[:3] = other[:3]
    return f"takes {history}"


def nodes(rng: Rng, stored: Stored) -> str:
    """Turn the order of calls round, double one or drop one."""
    if not (found := _calls(stored)):
        return ""
    entry = pick(rng, found)
    change = int(rng.integers(4))
    if change == 0:
        entry["inbound_nodes"].reverse()
    elif change == 1:
        entry["inbound_nodes"].append(copy.deepcopy(entry["inbound_nodes"][0]))
    elif change == 2:
        entry["inbound_nodes"].pop()
    else:
        entry["inbound_nodes"].insert(
            0, pick(rng, ([], {}, None, copy.deepcopy(pick(rng, pick(rng, found)["inbound_nodes"]))))
        )
    return f"{_named(entry)}: calls changed, {change}"


def order(rng: Rng, stored: Stored) -> str:
    """List the layers in another order, one of them twice, or one more."""
    lists = [
        entry["config"]["layers"]
        for entry in (stored.config, *entries(stored.config))
        if isinstance(entry.get("config"), dict) and isinstance(entry["config"].get("layers"), list)
    ]
    listed = pick(rng, lists)
    change = int(rng.integers(4))
    if change == 0:
        listed.reverse()
    elif change == 1:
        rng.shuffle(listed)
    elif change == 2:
        one, other = (int(number) for number in rng.integers(len(listed), size=2))
        listed[one], listed[other] = listed[other], listed[one]
    else:
        listed.insert(int(rng.integers(len(listed) + 1)), copy.deepcopy(pick(rng, listed)))
    return f"the list of layers changed, {change}"


def renamed(rng: Rng, stored: Stored) -> str:
    """Rename a layer everywhere, or in one place of two."""
    entry = pick(rng, list(entries(stored.config)) or [stored.config])
    if not isinstance(entry.get("config"), dict):
        return ""
    old = entry["config"].get("name")
    new = pick(
        rng,
        (
            f"{old}/x",
            f"x/{old}",
            str(old).upper(),
            "a b",
            "vars",
            "0",
            _any_layer(rng, stored)["config"]["name"],
            "ä",
            "",
        ),
    )
    where = int(rng.integers(4))
    if where in (0, 1):
        entry["config"]["name"] = new
    if where in (0, 2) and "name" in entry:
        entry["name"] = new
    if where == 0:
        for history in _histories(stored.config):
            history[0] = new if history[0] == old else history[0]
    if where == 3 and isinstance(old, str):
        stored.config = json.loads(json.dumps(stored.config).replace(json.dumps(old), json.dumps(new)))
    return f"{old!r} is called {new!r}, {where}"


def ends(rng: Rng, stored: Stored) -> str:
    """Nest the network's inputs or outputs in another way."""
    graphs = [
        entry
        for entry in (stored.config, *entries(stored.config))
        if "output_layers" in entry.get("config", ())
    ]
    if not graphs:
        return ""
    config = pick(rng, graphs)["config"]
    key = pick(rng, ("input_layers", "output_layers"))
    old = config[key]
    config[key] = pick(
        rng, ([old], {"a": old}, [old, old], old[0] if isinstance(old[0], list) else old, [[old]])
    )
    return f"{key} = {config[key]}"


def version(rng: Rng, stored: Stored) -> str:
    """Say that another version of Keras wrote the file."""
    stored.version = pick(rng, _VERSIONS)
    if stored.suffix == ".h5" and rng.random() < 0.5:
        with stored.store() as store:
            store["model_weights"].attrs["keras_version"] = stored.version or "1"
    return f"version {stored.version}"


def legacy(rng: Rng, stored: Stored) -> str:
    """Write the architecture as Keras 2 did."""
    stored.config = in_keras_2(
        stored.config, first=int(rng.integers(2)), with_module=bool(rng.random() < 0.3)
    )
    stored.version = pick(rng, ("2.2.4", "2.11.0", "2.15.0"))
    if rng.random() < 0.3:
        stored.version = "3.15.1"
    return f"in the notation of Keras 2, version {stored.version}"


# Of the weights.


def _lists(store: Any) -> list[tuple[Any, str]]:
    group = store["model_weights"]
    return [
        (group, "layer_names"),
        *((group[name], "weight_names") for name in group if "weight_names" in group[name].attrs),
    ]


def names_of_weights(rng: Rng, stored: Stored) -> str:
    """Permute, split, shorten or double a list of names in an HDF5 file."""
    if stored.suffix != ".h5":
        return ""
    with stored.store() as store:
        found = [(group, key) for group, key in _lists(store) if len(group.attrs[key]) > 1]
        if not found:
            return ""
        group, key = pick(rng, found)
        names = [str(name) for name in group.attrs[key]]
        change = pick(
            rng,
            ("permuted", "split", "split and whole", "shorter", "doubled", "bytes", "fixed", "empty chunk"),
        )
        _set_names(rng, group, key, names, change)
    return f"{group and key} {change}"


def _set_names(rng: Rng, group: Any, key: str, names: list[str], change: str) -> None:
    if change == "permuted":
        group.attrs[key] = [names[int(place)] for place in rng.permutation(len(names))]
    elif change in ("split", "split and whole", "empty chunk"):
        at = 0 if change == "empty chunk" else int(rng.integers(len(names) + 1))
        parts = [names[:at], names[at:]]
        parts = parts[::-1] if rng.random() < 0.4 else parts
        for number, part in enumerate(parts):
            group.attrs[f"{key}{number}"] = part if part else np.zeros(0, "S1")
        if change != "split and whole":
            del group.attrs[key]
    elif change == "shorter":
        group.attrs[key] = names[:-1]
    elif change == "doubled":
        group.attrs[key] = [*names, names[0]]
    else:
        group.attrs[key] = np.array([name.encode() for name in names])


def groups_of_weights(rng: Rng, stored: Stored) -> str:
    """Exchange, add or remove groups or arrays of an HDF5 file."""
    if stored.suffix != ".h5":
        return ""
    with stored.store() as store:
        group = store["model_weights"]
        names = [name for name in group if name != "top_level_model_weights"]
        change = int(rng.integers(5))
        if change == 0:
            one, other = pick(rng, names), pick(rng, names)
            group.move(one, "temporary")
            if other != one:
                group.move(other, one)
            group.move("temporary", other)
        elif change == 1:
            top = (
                group["top_level_model_weights"]
                if "top_level_model_weights" in group
                else group.create_group("top_level_model_weights")
            )
            top["extra"] = np.ones(3, "float32")
            top.attrs["weight_names"] = ["extra"]
        elif change == 2:
            group.pop("top_level_model_weights", None)
        elif change == 3:
            group.attrs.pop("keras_version", None)
            group.attrs.pop("backend", None)
        else:
            group.attrs["layer_names"] = [*group.attrs["layer_names"], "top_level_model_weights"]
    return f"groups of the weights changed, {change}"


def arrays(rng: Rng, stored: Stored) -> str:
    """Rename, add, swap, or store an array of either format in another type."""
    with stored.store() as store:
        root = store["model_weights"] if stored.suffix == ".h5" else store
        found: list[str] = []
        root.visititems(lambda name, item: found.append(name) if hasattr(item, "dtype") else None)
        if not found:
            return ""
        one, other = pick(rng, found), pick(rng, found)
        change = int(rng.integers(8))
        _change_array(root, one, other, change, rng)
    return f"the array {one} changed, {change}"


def _change_array(root: Any, one: str, other: str, change: int, rng: Rng) -> None:
    parent, _, name = one.rpartition("/")
    value = root[one][()]
    if change == 0 and one != other:
        root[other][...], root[one][...] = (
            (value, root[other][()]) if root[other].shape == value.shape else (root[other][()], value)
        )
    elif change == 1:
        root[f"{parent}/{pick(rng, ('9', '00', 'x', '01'))}"] = value
    elif change == 2:
        root.move(one, f"{parent}/{pick(rng, (f'0{name}', f'{name}x', '7'))}")
    elif change == 3:
        del root[one]
        root[one] = value.astype(pick(rng, ("float16", "float64", ">f4", "int32", "float32")))
    elif change == 4:
        root[f"{parent.rpartition('/')[0]}/other/{name}"] = value
    elif change == 5:
        del root[one]
        root[one] = value.reshape(value.shape[::-1])
    elif change == 6:
        root[one].attrs["dtype"] = "bfloat16"
    else:
        del root[one]


def folders(rng: Rng, stored: Stored) -> str:
    """Rename the folder of a layer in the weights of an archive, or say that it is another layer's."""
    if stored.suffix != ".keras":
        return ""
    with stored.store() as store:
        found: list[str] = []
        store.visititems(lambda name, item: found.append(name) if not hasattr(item, "dtype") else None)
        one, other = pick(rng, found), pick(rng, found)
        change = int(rng.integers(3))
        if change == 0 and not other.startswith(one) and not one.startswith(other):
            store.move(one, "temporary")
            store.move(other, one)
            store.move("temporary", other)
        elif change == 1:
            store.move(one, f"{one}_9")
        else:
            store[one].attrs["name"] = other
    return f"the folder {one} changed, {change}"


MUTATIONS: tuple[Mutation, ...] = (
    drop_option, drop_option, drop_key, other_value, other_value, other_notation, other_notation, old_option, foreign_option,
    other_module, other_class, registered_name, activation, activation, shared_id, shared_id, other_type, other_type, trainable,
    build_config, build_config, built_shape, built_shape, drop_entry, call_option, call_form, call_number, other_source, nodes, order, renamed, ends, version, legacy, legacy,
    names_of_weights, names_of_weights, groups_of_weights, arrays, folders,
)  # fmt: skip


def mutate(rng: Rng, stored: Stored, only: str = "") -> str:
    """Change one thing in place; return what, in words.

    Args:
        rng: Every choice is its.
        stored: What to change.
        only: Name of the one kind of change to make; "" for any.
    """
    known = [mutation for mutation in MUTATIONS if only in ("", mutation.__name__)]
    for _ in range(20):
        mutation, before = pick(rng, known), stored.copied()
        try:
            told = mutation(rng, stored)
        except (
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
            OSError,
        ):  # does not fit this network
            stored.config, stored.version, stored.weights = before.config, before.version, before.weights
            continue
        if told:
            return f"{mutation.__name__}: {told}"
    return ""
