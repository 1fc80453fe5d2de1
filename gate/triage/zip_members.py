"""Judge the members of a .keras archive by what the archive says of them; nothing is unpacked."""

from __future__ import annotations

import posixpath
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gate.core.finding import Finding
from gate.core.text import printable
from gate.models.rebuild.weights_keras import LARGEST_RATIO, SMALL
from gate.triage.findings import finding
from gate.triage.problems import reading
from gate.triage.static_rules import AMBIGUOUS_FILE, RESOURCE_BOMB, UNSAFE_ARCHIVE
from gate.triage.stored import COMPRESSIONS, WEIGHTS

_MOST_MEMBERS = 10_000
# What Keras writes: these, and what layers keep beside their weights.
_OF_KERAS = frozenset({"config.json", "metadata.json", WEIGHTS})
_ASSETS = "assets/"
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _SIZES_FOLLOW, _IS_UTF8 = 0x1, 0x8, 0x800
_IN_EXTRA_FIELD = 0xFFFFFFFF


def check(file: Path) -> Iterator[Finding]:
    """Yield what is wrong with the archive's members.

    Raises:
        IncompleteError: The archive is damaged (BD001).
    """
    with reading("The .keras archive"), zipfile.ZipFile(file) as archive, file.open("rb") as stream:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            yield _bomb(
                "members", f"The archive holds {len(members)} members; expected at most {_MOST_MEMBERS}."
            )
            return
        yield from _doubled(members)
        yield from _overlapping(members)
        yield from _stowaways(members)
        for member in members:
            yield from _unsafe(member)
            yield from _contradicted(member, stream)


def _doubled(members: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    seen: set[str] = set()
    for member in members:
        # Other programs ignore case, "./", or what follows a NUL.
        name = posixpath.normpath(member.filename.replace("\\", "/")).casefold()
        if name in seen or (name.startswith("model.weights") and name != WEIGHTS):
            yield _ambiguous(
                "double", f"The archive holds {_shown(member)} beside another member of that name."
            )
        seen.add(name)


def _overlapping(members: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            yield _bomb("overlap", f"{_shown(member)} shares its bytes with another member of the archive.")
        end = member.header_offset + _LOCAL.size + member.compress_size


def _stowaways(members: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    """Yield what Keras neither writes nor reads: it would travel past every reader of the model."""
    if not any(member.orig_filename == "config.json" for member in members):
        return  # no model at all, which the next step says
    for member in members:
        name = member.orig_filename
        if name not in _OF_KERAS and not name.startswith(_ASSETS) and not member.is_dir():
            yield finding(
                UNSAFE_ARCHIVE,
                "zip:stowaway",
                f"{_shown(member)} is no part of a Keras model: it travels with the model, and nothing that reads the model looks at it.",
            )


def _unsafe(member: zipfile.ZipInfo) -> Iterator[Finding]:
    name, mode = member.orig_filename.replace("\\", "/"), member.external_attr >> 16
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":" or "\0" in name:
        yield _unsafe_member("path", f"{_shown(member)} leads out of the folder that it is unpacked to.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield _unsafe_member("link", f"{_shown(member)} is a link or a device; expected a file.")
    if member.flag_bits & _ENCRYPTED:
        yield _unsafe_member("encrypted", f"{_shown(member)} is encrypted.")
    elif member.compress_type not in COMPRESSIONS:
        yield _unsafe_member(
            "compression", f"{_shown(member)} is compressed in a way that Keras does not use."
        )
    if member.file_size > max(member.compress_size * LARGEST_RATIO, SMALL):
        yield _bomb(
            "ratio", f"{_shown(member)} unpacks from {member.compress_size} to {member.file_size} bytes."
        )


def _contradicted(member: zipfile.ZipInfo, stream: BinaryIO) -> Iterator[Finding]:
    """Compare the archive's directory with the header in front of the member: some programs read only the latter."""
    stream.seek(member.header_offset)
    header = stream.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        raise zipfile.BadZipFile(f"{_shown(member)} has no header")
    _, _, flags, method, _, _, _, packed, size, name_length, _ = _LOCAL.unpack(header)
    name = stream.read(name_length).decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace")
    has_sizes = not flags & _SIZES_FOLLOW and _IN_EXTRA_FIELD not in (packed, size)
    agrees = (name, method) == (member.orig_filename, member.compress_type)
    if not agrees or (has_sizes and (packed, size) != (member.compress_size, member.file_size)):
        yield _ambiguous("header", f"The header of {_shown(member)} contradicts the archive's directory.")


def _shown(member: zipfile.ZipInfo) -> str:
    return printable(repr(member.orig_filename), 120)


def _ambiguous(subject: str, message: str) -> Finding:
    return finding(AMBIGUOUS_FILE, f"zip:{subject}", f"{message} It was not loaded.")


def _unsafe_member(subject: str, message: str) -> Finding:
    return finding(UNSAFE_ARCHIVE, f"zip:{subject}", f"{message} It was not unpacked.")


def _bomb(subject: str, message: str) -> Finding:
    return finding(RESOURCE_BOMB, f"zip:{subject}", f"{message} It was not unpacked.")
