"""Fill a network from the `model_weights` of an .h5 file, layer by layer.

Keras goes by the order of the lists and looks at no name; every reader, and the digest of the network, goes by the names. So a
file whose order and names say different things is refused.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import Any

from gate.models.graph.nested import inner_layers
from gate.models.rebuild import store
from gate.models.rebuild.problems import damaged, shown
from gate.models.rebuild.values import own_name

Arrays = dict[str, list[Any]]


def stored(file: Any) -> Arrays:
    """Return the data sets of every layer that has some, in the order of the file, by our layers' names.

    Args:
        file: The open HDF5 file.

    Raises:
        IncompleteError: The weights are missing or damaged (BD001).
    """
    group = store.member(file, "model_weights")
    found: Arrays = {}
    for name in _names(group, "layer_names"):
        layer = store.member(group, name)
        arrays = [store.member(layer, weight) for weight in _names(layer, "weight_names")]
        if not arrays:
            continue
        ours = own_name(name, "A layer in the weights")
        if ours in found:
            raise damaged(f"The file holds the weights of {shown(name)} twice.")
        found[ours] = arrays
    return found


def fill(network: Any, found: Arrays) -> None:
    """Assign every stored array to the weight that it belongs to.

    Raises:
        IncompleteError: A weight or an array is left over, or a shape differs (BD001).
    """
    # HDF5 files list the weights that training changes before all others.
    layers = [
        (layer, weights)
        for layer in network.layers
        if (weights := [*layer.trainable_weights, *layer.non_trainable_weights])
    ]
    _check_order([layer.name for layer, _ in layers], list(found))
    for layer, weights in layers:
        arrays = found[layer.name]
        _fill_layer(layer.name, weights, arrays)
        _check_owners(layer, weights, arrays)


def _check_order(layers: list[str], stored: list[str]) -> None:
    """Refuse lists that do not name the same layers in the same order."""
    for ours, theirs in zip_longest(layers, stored):
        if ours is not None and ours not in stored:
            raise damaged(f"The file holds no weights of the layer {shown(ours)}.")
        if theirs is not None and theirs not in layers:
            raise damaged(f"The file holds weights of {shown(theirs)}, which the architecture does not have.")
        if ours != theirs:
            raise damaged(
                f"The list of weights has the layer {shown(theirs)} where the architecture has {shown(ours)}: Keras goes "
                "by the order and gives one layer the weights that are named after another."
            )


def _fill_layer(name: str, weights: list[Any], arrays: list[Any]) -> None:
    if len(weights) != len(arrays):
        raise damaged(
            f"The layer {shown(name)} has {len(weights)} weights; the file holds {len(arrays)} for it."
        )
    for weight, array in zip(weights, arrays, strict=True):
        if tuple(weight.shape) != array.shape:
            raise damaged(
                f"The weight {shown(weight.path)} has the shape {tuple(weight.shape)}; the file holds {array.shape}."
            )
        weight.assign(store.read(array))


def named_after(folder: str) -> str:
    """Return the name of the layer that the folder of a weight within an inner network says, as our layer bears it."""
    return own_name(folder.rpartition("/")[2], "The folder of a weight")


def _check_owners(network: Any, weights: list[Any], arrays: list[Any]) -> None:
    """Refuse an inner network's list whose order gives one layer the weights that are named after another.

    Keras goes by the order, the digest of the network (`gate.triage.content`) and every reader by the names.
    """
    inner = list(inner_layers(network))
    if len(inner) == 1:
        return
    names = Counter(layer.name for layer in inner)
    owners = {id(weight): layer.name for layer in inner for weight in layer.weights}
    for weight, array in zip(weights, arrays, strict=True):
        named, owner = named_after(array.name.rpartition("/")[0]), owners[id(weight)]
        if names[named] == 1 and named != owner:
            raise damaged(
                f"The list of weights of {shown(network.name)} names one of the layer {shown(named)} where "
                f"{shown(owner)} has its own; expected the order of the layers."
            )


def _names(group: Any, attribute: str) -> list[str]:
    """Return a list of names; long lists are split into attributes that end in a number."""
    attributes = group.attrs
    if attribute in attributes:
        chunks = [attributes[attribute]]
    else:
        chunks = []
        while f"{attribute}{len(chunks)}" in attributes:
            chunks.append(attributes[f"{attribute}{len(chunks)}"])
    return [_text(name, attribute) for chunk in chunks for name in list(chunk)]


def _text(name: Any, attribute: str) -> str:
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    if not isinstance(name, str):
        raise damaged(f"The attribute {attribute} holds {shown(name)}; expected names.")
    return name
