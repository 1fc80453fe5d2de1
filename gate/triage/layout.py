"""Look at the bytes around a model: what stands in front of it, behind it, or is a second model."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from gate.core.artifact import ModelFormat
from gate.core.finding import Finding
from gate.triage.findings import finding
from gate.triage.static_rules import AMBIGUOUS_FILE, OUTSIDE_REFERENCE
from gate.triage.superblock import SIGNATURE, Superblock, read_superblock

_LOCAL_HEADER = b"PK\x03\x04"
_FIRST_USER_BLOCK = 512
_LAST_RECORD = 22  # the shortest end-of-archive record, which is the only one that Keras writes


def check(file: Path, kind: ModelFormat) -> Iterator[Finding]:
    """Yield what is wrong with the file as a whole."""
    yield from _check_zip(file) if kind is ModelFormat.KERAS_ZIP else _check_hdf5(file)


def _check_hdf5(file: Path) -> Iterator[Finding]:
    with file.open("rb") as stream:
        head = stream.read(1024)
    if not head.startswith(SIGNATURE):
        yield _ambiguous(
            "front", "The HDF5 data do not begin at the first byte; something stands in front of them."
        )
        return
    if _holds_archive(file):
        yield _ambiguous("polyglot", "The file is an HDF5 file and a zip archive at once.")
    block, size = read_superblock(head), file.stat().st_size
    if block is None:
        return
    if block.end < size:
        message = f"{size - block.end} bytes stand behind the end of the HDF5 data."
        yield _ambiguous("behind", message)
    yield from _drivers(block)


def _drivers(block: Superblock) -> Iterator[Finding]:
    if block.names_driver:
        yield finding(
            OUTSIDE_REFERENCE,
            "hdf5:driver",
            "The HDF5 file names a driver, which would spread it over several files. They were not opened.",
        )


def _check_zip(file: Path) -> Iterator[Finding]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        starts_at_zero = stream.read(len(_LOCAL_HEADER)) == _LOCAL_HEADER
        stream.seek(max(0, size - _LAST_RECORD))
        ends_at_end = stream.read(4) == b"PK\x05\x06"
    if not starts_at_zero:
        yield _ambiguous(
            "front", "The archive does not begin at the first byte; something stands in front of it."
        )
    if zipfile.is_zipfile(file) and not ends_at_end:
        yield _ambiguous("behind", "Something stands behind the end of the archive, or in its comment.")
    if any(_user_blocks(file, size)):
        yield _ambiguous("polyglot", "The file is a zip archive and an HDF5 file at once.")


def _user_blocks(file: Path, size: int) -> Iterator[int]:
    """Yield where HDF5 would look for a file, and find one that is no member of the archive."""
    at = _FIRST_USER_BLOCK
    with file.open("rb") as stream:
        while at < size:
            stream.seek(at)
            if stream.read(len(SIGNATURE)) == SIGNATURE and at not in _member_starts(file):
                yield at
            at *= 2


def _member_starts(file: Path) -> set[int]:
    """Return where the stored members begin: the weights may lie at a round number by chance."""
    starts = set()
    try:
        with zipfile.ZipFile(file) as archive, file.open("rb") as stream:
            for member in archive.infolist():
                stream.seek(member.header_offset + 26)
                lengths = stream.read(4)
                starts.add(
                    member.header_offset
                    + 30
                    + int.from_bytes(lengths[:2], "little")
                    + int.from_bytes(lengths[2:], "little")
                )
    except (zipfile.BadZipFile, OSError, ValueError):
        return set()
    return starts


def _holds_archive(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _ambiguous(where: str, message: str) -> Finding:
    return finding(
        AMBIGUOUS_FILE, f"layout:{where}", f"{message} Keras writes no such file; it was not loaded."
    )
