"""Read arrays from an HDF5 file that a stranger wrote: nothing outside the file, nothing larger than the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.models.rebuild.problems import damaged, shown

# gzip, shuffle, fletcher32: what HDF5 brings itself. Any other filter is a library that it would have to load.
FILTERS = frozenset({1, 2, 3})
# Declared by stored bytes: weights hardly compress, a gzip chunk of zeros does by a thousand.
_LARGEST_RATIO = 50
_SMALL = 2**20
_MOST_OBJECTS = 50_000
_DEEPEST = 40
# Whole numbers are counters: of images seen, or of random numbers drawn.
_LONGEST_COUNTER = 2


def arrays(group: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the path and data set of every array below the group, checked but not read.

    Raises:
        IncompleteError: A link leads elsewhere, or an array is none that Keras writes (BD001).
    """
    import h5py

    if depth > _DEEPEST or len(group) > _MOST_OBJECTS:
        raise damaged("The weights are nested too deeply, or are too many.")
    for name in group:
        below = f"{path}/{name}" if path else name
        item = member(group, name)
        if isinstance(item, h5py.Group):
            yield from arrays(item, below, depth + 1)
        else:
            yield below, item


def member(group: Any, path: str) -> Any:
    """Return a group, or a checked data set, by a path of hard links.

    Raises:
        IncompleteError: It is not there, is linked from elsewhere, or is no plain array (BD001).
    """
    import h5py

    for name in filter(None, path.split("/")):
        link = group.get(name, getlink=True) if isinstance(group, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            kind = "is missing" if link is None else f"is a {type(link).__name__}"
            raise damaged(f"The weight {shown(path)} {kind}; expected an array in this file.")
        group = group[name]
    if isinstance(group, h5py.Dataset):
        _check(group, path)
    return group


def read(dataset: Any) -> NDArray[Any]:
    """Return the array that a checked data set holds."""
    return np.asarray(dataset[()])


def _check(dataset: Any, path: str) -> None:
    where = f"The weight {shown(path)}"
    if dataset.is_virtual or dataset.external:
        raise damaged(f"{where} is stored in another file; expected an array in this file.")
    if dataset.shape is None or dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > 8:
        raise damaged(
            f"{where} holds values of the type {shown(str(dataset.dtype))}; expected floating point numbers."
        )
    size = math.prod(dataset.shape)
    if dataset.dtype.kind != "f" and size > _LONGEST_COUNTER:
        raise damaged(f"{where} holds whole numbers; expected floating point numbers.")
    plan = dataset.id.get_create_plist()
    if any(plan.get_filter(index)[0] not in FILTERS for index in range(plan.get_nfilters())):
        raise damaged(f"{where} is compressed by a filter that Keras does not use.")
    declared, stored = size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if declared > max(stored * _LARGEST_RATIO, _SMALL):
        raise damaged(f"{where} declares {declared} bytes, of which the file stores {stored}.")
