"""Mutate model files: bytes at random, records at their borders, configurations by their values."""

from __future__ import annotations

import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpus import parts

_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x100000000, 2**63 - 1, 2**64 - 1)
_BORDERS = (
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x89HDF",
    b"TREE",
    b"SNOD",
    b"HEAP",
    b"GCOL",
    b"OHDR",
    b"{",
)
_WRAPPERS = ("TimeDistributed", "Bidirectional", "Sequential")


@dataclass(frozen=True)
class Mutant:
    """A mutated file.

    Attributes:
        suffix: Of its name.
        content: Its bytes.
        must_fail: Whether it holds code in plain view, so that a scan that calls it clean is wrong.
        history: How it came about.
    """

    suffix: str
    content: bytes
    must_fail: bool
    history: str


def mutant(rng: random.Random, marker: Path) -> Mutant:
    """Return the next mutant; the same generator in the same state gives the same one."""
    suffix = rng.choice((".h5", ".keras"))
    write = parts.h5 if suffix == ".h5" else parts.keras
    kind = rng.choice(("bytes", "bytes", "borders", "values", "values", "members", "planted"))
    if kind == "planted":
        return Mutant(suffix, write(_planted(rng, marker)), must_fail=True, history=kind)
    if kind == "values":
        return Mutant(suffix, write(_values(rng)), must_fail=False, history=kind)
    if kind == "members" and suffix == ".keras":
        return Mutant(suffix, _members(rng), must_fail=False, history=kind)
    content = bytearray(write())
    change = _at_borders if kind == "borders" else _anywhere
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        change(rng, content)
    return Mutant(suffix, bytes(content), must_fail=False, history=kind)


def _anywhere(rng: random.Random, content: bytearray) -> None:
    at = rng.randrange(len(content) + 1)
    width = rng.choice((1, 2, 4, 8))
    change = rng.randrange(6)
    if change == 0 and at < len(content):
        content[at] ^= 1 << rng.randrange(8)
    elif change == 1:
        _set(rng, content, at, width)
    elif change == 2:
        del content[at : at + rng.choice((1, 8, 512))]
    elif change == 3:
        content[at:at] = rng.randbytes(rng.choice((1, 8, 512)))
    elif change == 4 and at > 8:
        del content[at:]
    else:
        start = rng.randrange(len(content) + 1)
        content[at : at + 64] = content[start : start + 64]


def _at_borders(rng: random.Random, content: bytearray) -> None:
    """Change a field of a record: what stands right behind a signature says how the rest is read."""
    border = rng.choice(_BORDERS)
    starts, at = [], content.find(border)
    while at >= 0:
        starts.append(at)
        at = content.find(border, at + 1)
    if starts:
        _set(rng, content, rng.choice(starts) + len(border) + rng.randrange(48), rng.choice((1, 2, 4, 8)))


def _set(rng: random.Random, content: bytearray, at: int, width: int) -> None:
    value = rng.choice(_INTERESTING) & ((1 << 8 * width) - 1)
    content[at : at + width] = value.to_bytes(width, "little")


def _values(rng: random.Random) -> Any:
    config = json.loads(json.dumps(parts.honest()))
    for _ in range(rng.choice((1, 1, 3))):
        places = list(_places(config))
        holder, key = rng.choice(places)
        holder[key] = _value(rng, holder[key])
    return config


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _value(rng: random.Random, old: Any) -> Any:
    deep: Any = old
    for _ in range(rng.choice((1, 30, 200))):
        deep = [deep]
    choices: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.choice(_INTERESTING),
        lambda: -rng.choice(_INTERESTING),
        lambda: rng.choice((float("nan"), float("inf"), 1e308, 0.5, True)),
        lambda: rng.choice(("", "\0", "\x1b[2J", "../../etc/passwd", "Lambda", "relu", "é" * 300, "\ud800")),
        lambda: [],
        lambda: {},
        lambda: deep,
        lambda: {"class_name": old, "config": old},
        lambda: [old] * 1000,
        lambda: {str(old): old},
    ]
    return rng.choice(choices)()


def _planted(rng: random.Random, marker: Path) -> Any:
    """Return a network with code in plain view, some wrappers deep."""
    hidden = parts.lambda_layer(marker)
    for _ in range(rng.randrange(6)):
        wrapper = rng.choice(_WRAPPERS)
        hidden = parts.sequential(hidden) if wrapper == "Sequential" else parts.layer(wrapper, layer=hidden)
    if rng.random() < 0.5:
        return parts.honest(head=parts.dense(**{rng.choice(("activation", "axis", "anything")): hidden}))
    return parts.honest(hidden)


def _members(rng: random.Random) -> bytes:
    memory = io.BytesIO(parts.keras())
    with warnings.catch_warnings(), zipfile.ZipFile(memory, "a") as archive:
        warnings.simplefilter("ignore")  # of names that stand twice
        for _ in range(rng.randrange(1, 4)):
            member = zipfile.ZipInfo("".join(rng.choices("ab./\\\0:-é", k=rng.randrange(1, 12))))
            member.external_attr = rng.getrandbits(32)
            member.compress_type = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
            archive.writestr(member, rng.randbytes(rng.choice((0, 1, 100))))
        archive.comment = rng.choice((b"", b"x" * 50))
    return memory.getvalue()
