"""Archives that contradict themselves, escape, or unpack without end."""

from __future__ import annotations

import io
import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

from tests.corpus.parts import Case, h5, honest, keras, lambda_layer

_AMBIGUOUS, _UNSAFE, _BOMB, _DAMAGED = "BD205", "BD206", "BD207", "BD001"
_ZEROS = bytes(32 * 2**20)


def _named(name: str, mode: int = 0) -> Callable[[zipfile.ZipFile], None]:
    def add(archive: zipfile.ZipFile) -> None:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name that stands twice, which is the point
            archive.writestr(member, b"/etc/passwd")

    return add


def _hidden_code(marker: Any, name: str = "config.json", *, first: bool = False) -> bytes:
    """Two configurations: one with code, one without."""
    evil = json.dumps(honest(lambda_layer(marker)))
    memory = io.BytesIO(keras(evil if first else None))
    with warnings.catch_warnings(), zipfile.ZipFile(memory, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(name, json.dumps(honest()) if first else evil)
    return memory.getvalue()


def _flagged() -> bytes:
    content = bytearray(keras())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    return bytes(content)


def _renamed_header() -> bytes:
    content = keras()
    at = content.index(b"config.json")
    return content[:at] + b"konfig.json" + content[at + 11 :]


def _resized_header() -> bytes:
    content = bytearray(keras())
    at = content.index(b"config.json") - 30
    struct.pack_into("<L", content, at + 22, 7)
    return bytes(content)


def _other_method() -> bytes:
    content = bytearray(keras())
    struct.pack_into("<H", content, content.index(b"config.json") - 30 + 8, zipfile.ZIP_DEFLATED)
    return bytes(content)


def _overlapping() -> bytes:
    """Let the directory point two members at the same bytes."""
    content = bytearray(keras(members={"assets/a": b"x" * 100, "assets/b": b"x" * 100}))
    directory = content.index(b"PK\x01\x02")
    first, second = (content.index(name, directory) - 46 for name in (b"assets/a", b"assets/b"))
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


def _commented() -> bytes:
    memory = io.BytesIO(keras())
    with zipfile.ZipFile(memory, "a") as archive:
        archive.comment = b"#!/bin/sh\n" * 50
    return memory.getvalue()


def _hdf5_inside() -> bytes:
    """An archive with an HDF5 file at byte 1024, where HDF5 looks for one behind a user block."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        header = 30 + len("assets/readme")
        archive.writestr("assets/readme", b" " * (1024 - header) + h5())
        with zipfile.ZipFile(io.BytesIO(keras())) as whole:
            for name in whole.namelist():
                archive.writestr(name, whole.read(name))
    return memory.getvalue()


def _crowded() -> bytes:
    return keras(members={f"assets/{number}": b"" for number in range(10_001)})


def _packed(members: dict[str, bytes]) -> bytes:
    return keras(members=members, compression=zipfile.ZIP_DEFLATED)


def _without(name: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(keras())) as whole, zipfile.ZipFile(memory, "w") as archive:
        for member in whole.namelist():
            if member != name:
                archive.writestr(member, whole.read(member))
    return memory.getvalue()


CASES = {
    "zip/slip.keras": Case(_UNSAFE, lambda m: keras(then=_named(f"../../{m.name}"))),
    "zip/slip-assets.keras": Case(_UNSAFE, lambda m: keras(then=_named("assets/../../x"))),
    "zip/slip-backslash.keras": Case(_UNSAFE, lambda m: keras(then=_named("..\\..\\x"))),
    "zip/slip-absolute.keras": Case(_UNSAFE, lambda m: keras(then=_named(str(m)))),
    "zip/slip-drive.keras": Case(_UNSAFE, lambda m: keras(then=_named("C:/x"))),
    "zip/symlink.keras": Case(_UNSAFE, lambda m: keras(then=_named("assets/link", stat.S_IFLNK | 0o777))),
    "zip/device.keras": Case(_UNSAFE, lambda m: keras(then=_named("assets/null", stat.S_IFCHR | 0o666))),
    "zip/encrypted.keras": Case(_UNSAFE, lambda m: _flagged()),
    "zip/bzip2.keras": Case(_UNSAFE, lambda m: keras(compression=zipfile.ZIP_BZIP2)),
    "zip/lzma.keras": Case(_UNSAFE, lambda m: keras(compression=zipfile.ZIP_LZMA)),
    "zip/two-configs-first-evil.keras": Case(_AMBIGUOUS, lambda m: _hidden_code(m, first=True)),
    "zip/two-configs-last-evil.keras": Case(_AMBIGUOUS, _hidden_code),
    "zip/two-configs-case.keras": Case(_AMBIGUOUS, lambda m: _hidden_code(m, "CONFIG.JSON")),
    "zip/two-configs-dot.keras": Case(_AMBIGUOUS, lambda m: _hidden_code(m, "./config.json")),
    "zip/two-weights.keras": Case(_AMBIGUOUS, lambda m: keras(then=_named("model.weights.h5"))),
    "zip/weights-of-two-kinds.keras": Case(_AMBIGUOUS, lambda m: keras(members={"model.weights.npz": b"PK"})),
    "zip/header-renamed.keras": Case(_AMBIGUOUS, lambda m: _renamed_header()),
    "zip/header-resized.keras": Case(_AMBIGUOUS, lambda m: _resized_header()),
    "zip/header-method.keras": Case(_AMBIGUOUS, lambda m: _other_method()),
    "zip/front.keras": Case(_AMBIGUOUS, lambda m: b"#!/bin/sh\n" * 60 + keras()),
    "zip/behind.keras": Case(_AMBIGUOUS, lambda m: keras() + b"#!/bin/sh\n" * 60),
    "zip/comment.keras": Case(_AMBIGUOUS, lambda m: _commented()),
    "zip/polyglot-hdf5.keras": Case(_AMBIGUOUS, lambda m: _hdf5_inside()),
    "zip/overlap.keras": Case(_BOMB, lambda m: _overlapping()),
    "zip/bomb-config.keras": Case(_BOMB, lambda m: _packed({"config.json": _ZEROS})),
    "zip/bomb-weights.keras": Case(_BOMB, lambda m: _packed({"model.weights.h5": _ZEROS})),
    "zip/bomb-asset.keras": Case(_BOMB, lambda m: _packed({"assets/vocabulary.txt": _ZEROS})),
    "zip/crowd.keras": Case(_BOMB, lambda m: _crowded()),
    "zip/no-config.keras": Case(_DAMAGED, lambda m: _without("config.json")),
    "zip/no-weights.keras": Case(_DAMAGED, lambda m: _without("model.weights.h5")),
    "zip/weights-no-hdf5.keras": Case(_DAMAGED, lambda m: keras(members={"model.weights.h5": b"x" * 100})),
    "zip/config-list.keras": Case(_DAMAGED, lambda m: keras("[]")),
    "zip/truncated.keras": Case(_DAMAGED, lambda m: keras()[:-300]),
}
