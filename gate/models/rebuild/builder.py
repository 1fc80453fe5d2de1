"""Build networks and layers from Keras' own classes, which this package names, and checked literals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gate.core.text import printable
from gate.models.rebuild import normalise, values
from gate.models.rebuild.arguments import arguments
from gate.models.rebuild.graph import Part, connect
from gate.models.rebuild.layers import COMMON, IN_CONV_NEXT, INNER_LAYERS, NETWORKS
from gate.models.rebuild.nodes import check_training, read_calls, read_references
from gate.models.rebuild.operations import is_operation, operation
from gate.models.rebuild.problems import attempt, damaged, shown, unsupported
from gate.models.rebuild.sharing import check_sharing

# Which of them begin with the batch.
_SHAPES = ("batch_shape", "batch_input_shape", "shape", "input_shape", "build_input_shape")
_WITH_BATCH = frozenset({"batch_shape", "batch_input_shape", "build_input_shape"})
_MOST_LAYERS = 2_000
_DEEPEST = 16


class Builder:
    """Builds one network; its weights are empty.

    Args:
        largest: Largest dimension of a weight in the file; nothing is built that needs far larger ones.
        is_keras_3: Whether Keras 3 wrote the file.
        shares: Whether two descriptions of one number are one object; Keras goes by the numbers in its archives only.
    """

    def __init__(self, *, largest: int, is_keras_3: bool, shares: bool) -> None:
        self._largest = largest
        self._is_keras_3 = is_keras_3
        self._shares = shares
        self._layers = 0
        self._frozen: list[Any] = []
        # Keras takes the second entry of one id for the first object; `sharing` has seen that both say the same.
        self._shared: dict[int, Any] = {}
        # Of each layer, by its id: whether each network that holds it is a graph. All layers live as long as the builder.
        self._places: dict[int, list[bool]] = {}
        self._alive: list[Any] = []

    def network(self, entry: Any) -> Any:
        """Return the whole network.

        Raises:
            IncompleteError: It holds something that the gate does not rebuild (BD003), or is damaged (BD001).
        """
        check_sharing(entry)
        network = self.build(entry)
        # HDF5 files list the weights that training changes before all others.
        for layer in self._frozen:
            layer.trainable = False
        return network

    def build(self, entry: Any, depth: int = 0) -> Any:
        """Return the Keras layer or network that an entry of the architecture describes.

        Args:
            entry: ``{"class_name": ..., "config": ...}`` as the file has it.
            depth: How many networks or layers are around it.

        Raises:
            IncompleteError: It is none that the gate rebuilds (BD003), or damaged (BD001).
        """
        self._count(depth)
        built = self._once(entry, lambda: self._built(entry, depth))
        self._alive.append(built)
        return built

    def _built(self, entry: Any, depth: int) -> Any:
        kind, config, where = _opened(entry)
        if kind == "Sequential":
            return self._sequential(config, where, depth)
        if kind in NETWORKS:
            return self._functional(config, where, depth)
        if "module" not in entry:
            config = normalise.without_module(config, where)
        return self._layer(kind, config, where, depth)

    def _once(self, entry: Any, make: Callable[[], Any]) -> Any:
        """Return what an entry describes: the first object of its number, where Keras goes by the numbers."""
        number = entry.get("shared_object_id") if self._shares and isinstance(entry, dict) else None
        if number is None:
            return make()
        if number not in self._shared:
            self._shared[number] = make()
        return self._shared[number]

    def _input(self, entry: dict[str, Any]) -> Any:
        _, config, where = _opened(entry)
        return self._once(entry, lambda: _input_tensor(config, where))

    def _count(self, depth: int) -> None:
        self._layers += 1
        if self._layers > _MOST_LAYERS or depth > _DEEPEST:
            raise unsupported(
                f"The network has more than {_MOST_LAYERS} layers or {_DEEPEST} levels of nesting; expected fewer."
            )

    def _layer(self, kind: str, config: dict[str, Any], where: str, depth: int) -> Any:
        given = arguments(kind, config, where, largest=self._largest, is_keras_3=self._is_keras_3)
        for key in INNER_LAYERS & given.keys():
            given[key] = self._inner(given[key], where, depth)
        dtype = values.precision(config.get("dtype"), f"{where}, option dtype,")
        layer = attempt(where, _class(kind), **given, **_identity(config, where), dtype=dtype)
        self._note_frozen(layer, config, where)
        return layer

    def _inner(self, entry: Any, where: str, depth: int) -> Any:
        if isinstance(entry, list) and entry:
            return [self.build(item, depth + 1) for item in entry]
        if not isinstance(entry, dict):
            raise damaged(f"{where} should hold a layer, but holds {shown(entry)}.")
        return self.build(entry, depth + 1)

    def _sequential(self, config: Any, where: str, depth: int) -> Any:
        import keras

        settings = {"layers": config} if isinstance(config, list) else config
        entries = settings.get("layers")
        if not isinstance(entries, list) or not entries:
            raise damaged(f"{where} has no list of layers.")
        layers = [
            self._placed(entry, where, depth, in_graph=False) for entry in entries[_is_input(entries[0]) :]
        ]
        _check_names([layer.name for layer in layers], where)
        entrance = self._entrance(entries[0], settings, layers)
        # Whether it is frozen as a whole Keras forgets; its layers say so, too.
        return attempt(where, keras.Sequential, [*entrance, *layers], **_identity(settings, where))

    def _entrance(self, entry: Any, settings: dict[str, Any], layers: list[Any]) -> list[Any]:
        """Return the input of a Sequential network: stated by a layer of its own, by its first layer, or by itself."""
        import keras

        _, config, where = _opened(entry)
        if _is_input(entry):
            return [self._input(entry)]
        # A network states its shape by its own first layer only.
        is_network = isinstance(layers[0], keras.Model)
        stated = None if is_network or not isinstance(config, dict) else _stated_shape(config, where)
        if stated is not None:
            return [keras.Input(batch_shape=stated)]
        if is_network and layers[0].built:
            stated = layers[0].inputs[0].shape
        else:
            stated = _stated_shape(settings, where)
        # Keras takes the type that the first layer computes in.
        return [] if stated is None else [keras.Input(batch_shape=stated, dtype=layers[0].compute_dtype)]

    def _functional(self, config: Any, where: str, depth: int) -> Any:
        import keras

        entries = config.get("layers") if isinstance(config, dict) else None
        if not isinstance(entries, list) or not entries:
            raise damaged(f"{where} has no list of layers.")
        parts: dict[str, Part] = {}
        for entry in entries:
            name = _reference_name(entry)
            if name in parts:
                raise damaged(f"{where} has two layers of the name {shown(name)}; expected different names.")
            parts[name] = self._part(entry, depth)
        inputs, outputs = (
            read_references(config.get(key), where) for key in ("input_layers", "output_layers")
        )
        is_keras_3 = any(_has_keras_3_calls(entry) for entry in entries)
        if depth == 0 or not is_keras_3:  # only Keras 3 tells a lone tensor from a list that holds one
            inputs, outputs = _alone(inputs), _alone(outputs)
        inputs, outputs = connect(parts, inputs, outputs, is_keras_3=is_keras_3)
        network = attempt(where, keras.Model, inputs, outputs, **_identity(config, where))
        self._note_frozen(network, config, where)
        return network

    def _part(self, entry: Any, depth: int) -> Part:
        kind, _, where = _opened(entry)
        if _is_input(entry):
            return Part(where, None, (), (self._input(entry),))
        if is_operation(entry):
            self._count(depth)
            calls = read_calls(entry.get("inbound_nodes"), where, any_keyword=True)
            return Part(where, operation(entry, where), calls)
        layer = self._placed(entry, where, depth, in_graph=True)
        calls = read_calls(entry.get("inbound_nodes"), where)
        check_training(layer, calls, where)
        return Part(
            where,
            layer,
            calls,
            is_network=kind in NETWORKS,
            counts_from_one=kind in NETWORKS and kind != "Sequential",
        )

    def _placed(self, entry: Any, where: str, depth: int, *, in_graph: bool) -> Any:
        """Return a layer of a network; Keras numbers the calls of a shared one over all its places, so a graph may not hold it, too."""
        built = self.build(entry, depth + 1)
        places = self._places.setdefault(id(built), [])
        if places and (in_graph or True in places):
            raise unsupported(
                f"{where} holds an object that is elsewhere in the network, too; Keras takes the calls of one place for those of "
                "the other."
            )
        places.append(in_graph)
        return built

    def _note_frozen(self, layer: Any, config: dict[str, Any], where: str) -> None:
        is_trained = config.get("trainable", True)
        if is_trained is not None and not isinstance(is_trained, bool):
            raise unsupported(f"{where} has trainable = {shown(is_trained)}; expected true or false.")
        if is_trained is False:
            self._frozen.append(layer)


def _opened(entry: Any) -> tuple[str, Any, str]:
    """Return an entry's class, its config and what messages call it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), (dict, list)):
        raise damaged(f"The architecture holds {shown(entry)} where a layer should be.")
    kind, config = str(entry.get("class_name")), entry["config"]
    if isinstance(config, list) and kind != "Sequential":
        raise damaged(f"The layer of the class {shown(kind)} has a list for its config; expected an object.")
    name = config.get("name") if isinstance(config, dict) else None
    return (
        kind,
        config,
        f"The layer {shown(name)} ({printable(kind, 60)})" if name else f"A layer {printable(kind, 60)}",
    )


def _class(kind: str) -> Any:
    """Return Keras' class of that name; the table of options has said that it is one of ours."""
    import keras

    if kind in IN_CONV_NEXT:
        from keras.src.applications import convnext

        return getattr(convnext, kind)
    return getattr(keras.layers, normalise.class_name(kind))


def _is_input(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("class_name") == "InputLayer"


def _reference_name(entry: Any) -> str:
    _, config, where = _opened(entry)
    name = entry.get("name") or (config.get("name") if isinstance(config, dict) else None)
    if not isinstance(name, str):
        raise damaged(f"{where} has no name; expected one that calls can refer to.")
    return name


def _has_keras_3_calls(entry: dict[str, Any]) -> bool:
    nodes = entry.get("inbound_nodes")
    return isinstance(nodes, list) and any(isinstance(node, dict) for node in nodes)


def _identity(config: dict[str, Any], where: str) -> dict[str, str]:
    return {"name": values.own_name(config["name"], where)} if config.get("name") is not None else {}


def _check_names(names: list[str], where: str) -> None:
    if len(set(names)) < len(names):
        raise damaged(f"{where} has two layers of the same name; expected different names.")


def _alone(references: Any) -> Any:
    while isinstance(references, list) and len(references) == 1:
        (references,) = references
    return references


def _input_tensor(config: dict[str, Any], where: str) -> Any:
    import keras

    own = {key: value for key, value in config.items() if key not in COMMON}
    normalise.options("InputLayer", own, frozenset(_SHAPES), where)
    stated = _stated_shape(config, where)
    if stated is None:
        raise damaged(f"{where} has no shape.")
    dtype = values.input_type(config.get("dtype"), f"{where}, option dtype,")
    return attempt(where, keras.Input, batch_shape=stated, dtype=dtype, **_identity(config, where))


def _stated_shape(config: dict[str, Any], where: str) -> tuple[int | None, ...] | None:
    """Return the input's shape with an open batch: a fixed one says how it was trained, not what it computes."""
    stated = {
        (None, *values.shape(config[key], f"{where}, option {key},")[key in _WITH_BATCH :])
        for key in _SHAPES
        if config.get(key) is not None
    }
    if len(stated) > 1:
        raise unsupported(f"{where} has two shapes, {shown(sorted(stated, key=repr))}; expected one.")
    return next(iter(stated), None)
