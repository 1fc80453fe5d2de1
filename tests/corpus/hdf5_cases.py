"""HDF5 files that lead out of themselves, or declare what they do not hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import h5py
import numpy as np

from tests.corpus.parts import KERNEL, Alter, Case, h5, keras

_OUTSIDE, _FILTER, _AMBIGUOUS, _BOMB, _NUMBERS, _DAMAGED = (
    "BD203",
    "BD204",
    "BD205",
    "BD207",
    "BD208",
    "BD001",
)
_HOST = "/etc/passwd"


def _kernel(store: Any) -> tuple[Any, str]:
    """Take the kernel out, and say where it was."""
    group = store["model_weights/dense"] if "model_weights" in store else store["layers/dense/vars"]
    name = "kernel" if "kernel" in group else "0"
    del group[name]
    return group, name


def _linked(link: Any) -> Alter:
    def alter(store: Any) -> None:
        group, name = _kernel(store)
        group[name] = link

    return alter


def _linked_group(store: Any) -> None:
    del store["model_weights/dense"]
    store["model_weights/dense"] = h5py.ExternalLink(_HOST, "/dense")


def _dangling(store: Any) -> None:
    store["optimizer_weights"] = h5py.SoftLink("/nowhere")


def _external_storage(store: Any) -> None:
    group, name = _kernel(store)
    group.create_dataset(name, KERNEL.shape, "f4", external=[(_HOST, 0, KERNEL.nbytes)])


def _virtual(store: Any) -> None:
    group, name = _kernel(store)
    layout = h5py.VirtualLayout(KERNEL.shape, "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "kernel", shape=KERNEL.shape)
    group.create_virtual_dataset(name, layout)


def _filtered(number: int) -> Alter:
    def alter(store: Any) -> None:
        group, name = _kernel(store)
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(KERNEL.shape)
        plan.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        space = h5py.h5s.create_simple(KERNEL.shape)
        h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, plan)

    return alter


def _declared(*shape: int, **options: Any) -> Alter:
    def alter(store: Any) -> None:
        group, name = _kernel(store)
        group.create_dataset(
            name, shape, "f4", chunks=(1, *shape[1:]) if len(shape) > 1 else (1024,), **options
        )

    return alter


def _zeros_packed(store: Any) -> None:
    group, name = _kernel(store)
    packed = group.create_dataset(name, (128, 2**18), "f4", chunks=(4, 2**18), compression="gzip")
    packed[:] = 0


def _nested_groups(store: Any) -> None:
    group = store
    for _ in range(70):
        group = group.create_group("g")


def _circle(store: Any) -> None:
    group, name = _kernel(store)
    group[name] = group


def _typed(kind: Any) -> Alter:
    def alter(store: Any) -> None:
        group, name = _kernel(store)
        group.create_dataset(name, KERNEL.shape, kind)

    return alter


def _typed_text(store: Any) -> None:
    group, name = _kernel(store)
    group[name] = np.array([b"text", b"more"])


def _attribute(store: Any) -> None:
    store.attrs["model_config"] = np.zeros(100)


def _patched(content: bytes, at: int, patch: bytes) -> bytes:
    return content[:at] + patch + content[at + len(patch) :]


def _endless(content: bytes) -> bytes:
    """Let the free space of the global heap be 0 bytes long: HDF5 1.14.6 never gets past it. Found by mutation."""
    at = content.index(b"GCOL") + 16
    while content[at]:
        at += 16 + (int.from_bytes(content[at + 8 : at + 16], "little") + 7) // 8 * 8
    return _patched(content, at + 8, bytes(8))


def _both(prefix: str, rule: str, alter: Alter) -> dict[str, Case]:
    """The same in an .h5 file and in the weights of an archive."""
    return {
        f"{prefix}.h5": Case(rule, lambda m: h5(alter=alter)),
        f"{prefix}.keras": Case(rule, lambda m: keras(alter=alter)),
    }


def _weights(prefix: str, value: float, kind: str = "f4") -> dict[str, Case]:
    kernel = KERNEL.astype(kind)
    kernel[5, 1] = value
    return {
        f"{prefix}.h5": Case(_NUMBERS, partial(_with_kernel, h5, kernel)),
        f"{prefix}.keras": Case(_NUMBERS, partial(_with_kernel, keras, kernel)),
    }


def _with_kernel(write: Callable[..., bytes], kernel: Any, _marker: object) -> bytes:
    return write(kernel=kernel)


CASES = {
    **_both("hdf5/external-link", _OUTSIDE, _linked(h5py.ExternalLink(_HOST, "/kernel"))),
    **_both("hdf5/soft-link", _OUTSIDE, _linked(h5py.SoftLink("/bias"))),
    **_both("hdf5/external-storage", _OUTSIDE, _external_storage),
    **_both("hdf5/virtual", _OUTSIDE, _virtual),
    "hdf5/external-link-group.h5": Case(_OUTSIDE, lambda m: h5(alter=_linked_group)),
    "hdf5/dangling-link.h5": Case(_OUTSIDE, lambda m: h5(alter=_dangling)),
    "hdf5/driver.h5": Case(_OUTSIDE, lambda m: _patched(h5(), 48, struct.pack("<Q", 1024))),
    **_both("hdf5/filter-blosc", _FILTER, _filtered(32001)),
    "hdf5/filter-lzf.h5": Case(_FILTER, lambda m: h5(alter=_filtered(32000))),
    "hdf5/filter-scale-offset.h5": Case(_FILTER, lambda m: h5(alter=_filtered(65000))),
    **_both("hdf5/declares-terabytes", _BOMB, _declared(2_500_000, 2**20)),
    **_both("hdf5/declares-gigabytes", _BOMB, _declared(1000, 2**20)),
    "hdf5/declares-gigabytes-packed.h5": Case(
        _BOMB, lambda m: h5(alter=_declared(1000, 2**20, compression="gzip"))
    ),
    **_both("hdf5/packed-zeros", _BOMB, _zeros_packed),
    "hdf5/groups-without-end.h5": Case(_BOMB, lambda m: h5(alter=_nested_groups)),
    "hdf5/circle.h5": Case(_DAMAGED, lambda m: h5(alter=_circle)),
    "hdf5/circle.keras": Case(_DAMAGED, lambda m: keras(alter=_circle)),
    **_both("hdf5/text-for-weights", _DAMAGED, _typed_text),
    **_both("hdf5/references-for-weights", _DAMAGED, _typed(h5py.ref_dtype)),
    "hdf5/compound-for-weights.h5": Case(_DAMAGED, lambda m: h5(alter=_typed(np.dtype([("a", "f4")])))),
    "hdf5/complex-for-weights.h5": Case(_DAMAGED, lambda m: h5(alter=_typed("c8"))),
    "hdf5/integers-for-weights.keras": Case(_DAMAGED, lambda m: keras(alter=_typed("i4"))),
    "hdf5/config-of-numbers.h5": Case(_DAMAGED, lambda m: h5(alter=_attribute)),
    **_weights("hdf5/nan", float("nan")),
    **_weights("hdf5/infinite", float("-inf")),
    **_weights("hdf5/beyond-32-bits", 1e300, "f8"),
    "hdf5/endless-heap.h5": Case("BD004", lambda m: _endless(h5()), is_endless=True),
    "hdf5/behind.h5": Case(_AMBIGUOUS, lambda m: h5() + b"#!/bin/sh\n" * 500),
    "hdf5/user-block.h5": Case(_AMBIGUOUS, lambda m: b"#!/bin/sh\n".ljust(512, b"\0") + h5()),
    "hdf5/user-block-far.h5": Case(_AMBIGUOUS, lambda m: b"#!/bin/sh\n".ljust(4096, b"\0") + h5()),
    "hdf5/polyglot-zip.h5": Case(_AMBIGUOUS, lambda m: h5() + keras()),
}
