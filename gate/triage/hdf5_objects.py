"""Walk everything in an HDF5 file, within bounds: no object may lead out of it, or declare what is not there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gate.core.finding import Finding
from gate.core.text import printable
from gate.models.rebuild.store import FILTERS
from gate.triage.findings import finding
from gate.triage.static_rules import OUTSIDE_REFERENCE, PLUGIN_FILTER, RESOURCE_BOMB
from gate.triage.stored import LARGEST_CONFIG

_MOST_OBJECTS = 50_000
_DEEPEST = 64
_LARGEST_RATIO = 200
_SMALL = 64 * 2**20


def check(store: Any) -> Iterator[Finding]:  # h5py ships no types
    """Yield what is wrong with the objects and links below an open file or group; no data are read."""
    import h5py

    seen: set[int] = set()
    pending = [("", store, 0)]
    count = 0
    while pending:
        path, group, depth = pending.pop()
        yield from _attributes(group, path)
        for name in group:
            count += 1
            if count > _MOST_OBJECTS or depth > _DEEPEST:
                yield _bomb(
                    "hdf5:objects", f"The file holds more than {_MOST_OBJECTS} objects or {_DEEPEST} levels."
                )
                return
            where = f"{path}/{name}"
            target, leads_out = _followed(group, name, where)
            yield from leads_out
            # Hard links may form a circle.
            if target is None or _address(target) in seen:
                continue
            seen.add(_address(target))
            if isinstance(target, h5py.Group):
                pending.append((where, target, depth + 1))
            elif isinstance(target, h5py.Dataset):
                yield from _attributes(target, where)
                yield from _dataset(target, where)


def _followed(group: Any, name: str, where: str) -> tuple[Any, list[Finding]]:
    """Return the object that a hard link leads to; of any other link, that it leads elsewhere."""
    import h5py

    try:
        link = group.get(name, getlink=True)
    except TypeError:  # h5py knows three kinds; a fourth needs a library to follow it
        return None, [_leads_out("link", where, "is a user-defined link")]
    if isinstance(link, h5py.HardLink):
        return group[name], []
    if isinstance(link, h5py.ExternalLink):
        target = printable(repr(link.filename), 120)
        return None, [_leads_out("external-link", where, f"is an external link to {target}")]
    return None, [_leads_out("soft-link", where, f"is a soft link to {printable(repr(link.path), 120)}")]


def _address(target: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(target.id).addr)


def _attributes(target: Any, where: str) -> Iterator[Finding]:
    import h5py

    count = h5py.h5a.get_num_attrs(target.id)
    if count > _MOST_OBJECTS:
        yield _bomb("hdf5:attributes", f"{_shown(where)} has {count} attributes.")
        return
    for index in range(count):
        attribute = h5py.h5a.open(target.id, index=index)
        size = math.prod(attribute.shape) * attribute.get_type().get_size()
        if size > LARGEST_CONFIG:
            yield _bomb("hdf5:attribute", f"An attribute of {_shown(where)} declares {size} bytes.")


def _dataset(dataset: Any, where: str) -> Iterator[Finding]:
    if dataset.external:
        target = printable(repr(dataset.external[0][0]), 120)
        yield _leads_out("external-storage", where, f"is stored in {target}")
        return
    if dataset.is_virtual:
        yield _leads_out("virtual", where, "is put together from data sets of other files")
        return
    plan = dataset.id.get_create_plist()
    foreign = [number for number in _filters(plan) if number not in FILTERS]
    if foreign:
        yield finding(
            PLUGIN_FILTER,
            f"hdf5:filter:{foreign[0]}",
            f"{_shown(where)} is compressed by the filter {foreign[0]}, for which HDF5 would load a library. "
            "It was not loaded.",
        )
        return
    declared = math.prod(dataset.shape or ()) * dataset.id.get_type().get_size()
    stored = dataset.id.get_storage_size()
    if declared > max(stored * _LARGEST_RATIO, _SMALL):
        yield _bomb(
            "hdf5:declared", f"{_shown(where)} declares {declared} bytes, of which the file stores {stored}."
        )


def _filters(plan: Any) -> Iterator[int]:
    return (plan.get_filter(index)[0] for index in range(plan.get_nfilters()))


def _shown(where: str) -> str:
    return printable(repr(where or "/"), 120)


def _leads_out(kind: str, where: str, what: str) -> Finding:
    return finding(OUTSIDE_REFERENCE, f"hdf5:{kind}", f"{_shown(where)} {what}. It was not followed.")


def _bomb(subject: str, message: str) -> Finding:
    return finding(RESOURCE_BOMB, subject, f"{message} It was not read.")
