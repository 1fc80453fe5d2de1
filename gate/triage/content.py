"""The digest of a network: the same for the same network, however often and in whichever format it was saved.

It covers the classes of all layers, their options (but for those that only training uses), names and wiring, which objects are
shared, in which module a class or function lies if in an unusual one, whether Keras 3 or an earlier one wrote the file, and every
weight's shape, type and value. It does not cover the optimizer, metrics and losses, the name of the whole network, other
versions and times that the file notes, or assets such as vocabularies. Two networks with one digest compute the same.
The other way round it holds for one version of Keras: an .h5 and a .keras file of one network have one digest where
the layers' weights can be told apart by their layers' names, which is so for all but attention and recurrent layers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gate.core.artifact import ModelFormat
from gate.core.content import Content, LayerDigest
from gate.core.errors import IncompleteError
from gate.models.rebuild import store
from gate.models.rebuild.normalise import is_keras_3
from gate.models.rebuild.reading import guarded, stored_weights
from gate.models.rebuild.values import own_name
from gate.models.rebuild.weights_hdf5 import named_after
from gate.triage.architecture import Leaf, canonical, leaves, unnamed
from gate.triage.stored import StoredModel

# Raised whenever a digest covers more than before, so that no exception of before covers what was not looked at.
_VERSION = 2
# A layer's weights: (where within the layer, "" if the layer itself holds it; data set).
_Placed = list[tuple[str, Any]]
# Keras 2.12 to 2.15 named the folder of the layers otherwise.
_OLD_FOLDER, _FOLDER = "_layer_checkpoint_dependencies/", "layers/"


def content(file: Path, kind: ModelFormat, stored: StoredModel) -> Content | None:
    """Return the digests of a network; None if its weights cannot be read, which loading it will complain of.

    Args:
        file: Staged copy of the file.
        kind: Its format.
        stored: What triage read from it, and let through.
    """
    try:
        with stored_weights(file, kind) as found:
            digest: Content = guarded(_digest, stored, kind, found)
    except IncompleteError:
        return None
    return digest


def _digest(stored: StoredModel, kind: ModelFormat, found: Mapping[str, Any]) -> Content:
    parts = tuple(leaves(stored.config))
    # What a file leaves out means something else in one of Keras 3 than in an earlier one.
    generation = "keras-3" if is_keras_3(stored.keras_version) else "keras-2"
    placed = _by_path(parts, found) if kind is ModelFormat.KERAS_ZIP else _by_name(parts, found)
    architecture = _sha256([_VERSION, generation, unnamed(canonical(stored.config))])
    layers = tuple(_layer(name, arrays) for name, arrays in placed.items() if arrays)
    weights = [[layer.name, layer.sha256] for layer in layers] + _order(parts, found, kind)
    return Content(sha256=_sha256([architecture, weights]), architecture_sha256=architecture, layers=layers)


def _order(parts: Iterable[Leaf], found: Mapping[str, Any], kind: ModelFormat) -> list[str]:
    """Return the order in which an HDF5 file lists its layers, if it is another than that of the architecture: Keras goes by it."""
    tops = dict.fromkeys(leaf.top for leaf in parts if leaf.top in found)
    return [] if kind is not ModelFormat.HDF5 or list(found) == list(tops) else list(found)


def _by_path(parts: Iterable[Leaf], found: Mapping[str, Mapping[str, Any]]) -> dict[str, _Placed]:
    """Return every layer's arrays, of a .keras archive; those of no layer stand under their own path."""
    left = {path.replace(_OLD_FOLDER, _FOLDER): arrays for path, arrays in sorted(found.items())}
    placed: dict[str, _Placed] = {}
    for leaf in parts:
        inside = [path for path in left if path == leaf.path or path.startswith(f"{leaf.path}/")]
        placed.setdefault(leaf.name, []).extend(
            (path[len(leaf.path) :], array) for path in inside for array in _in_order(left.pop(path))
        )
    for path, arrays in left.items():
        placed.setdefault(f"//{path}", []).extend((path, array) for array in _in_order(arrays))
    return placed


def _in_order(arrays: Mapping[str, Any]) -> list[Any]:
    return [arrays[number] for number in sorted(arrays, key=lambda number: (len(number), number))]


def _by_name(parts: Iterable[Leaf], found: Mapping[str, list[Any]]) -> dict[str, _Placed]:
    """Return every layer's arrays, of an .h5 file; those of no known layer stand under their own path."""
    known = tuple(parts)
    placed: dict[str, _Placed] = {leaf.name: [] for leaf in known}
    for top, arrays in found.items():
        inner = [leaf for leaf in known if leaf.top == top]
        folders = [array.name.rpartition("/")[0] for array in arrays]
        # Whose they are that are named after no layer follows from their place in the list, and from what is frozen.
        frozen = "".join("01"[leaf.is_frozen] for leaf in inner)
        for number, (folder, array) in enumerate(zip(folders, arrays, strict=True)):
            owners = [leaf for leaf in inner if _is_of(leaf, folder, inner)]
            if len(owners) == 1:
                # One folder for all: the layer holds its weights itself, under whatever name.
                is_plain = len(inner) > 1 or len(set(folders)) == 1
                placed[owners[0].name].append(("" if is_plain else folder, array))
            else:
                placed.setdefault(f"//{folder}", []).append((f"{folder} {number} {frozen}", array))
    return placed


def _is_of(leaf: Leaf, folder: str, inner: list[Leaf]) -> bool:
    # As loading reads it, which refuses lists whose order says otherwise.
    return len(inner) == 1 or own_name(leaf.own, "A layer") == named_after(folder)


def _layer(name: str, arrays: _Placed) -> LayerDigest:
    described = []
    count = 0
    for place, dataset in arrays:
        array = store.read(dataset)
        plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        described.append(
            [place, list(plain.shape), plain.dtype.str, hashlib.sha256(plain.tobytes()).hexdigest()]
        )
        count += int(plain.size)
    return LayerDigest(name=name, sha256=_sha256([name, described]), weights=count)


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
