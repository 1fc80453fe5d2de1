"""The records of TFRecord files, in their order: read one by one, each sealed by a CRC, their sizes believed only within a limit."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.crc32c import masked

# A batch of 256 images of 224 x 224 x 3 floats takes 154 MB.
LARGEST = 256 * 1024 * 1024
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_GZIP = b"\x1f\x8b"
_ANEW = "Write the file anew, without compression or with GZIP."


def records(file: Path, *, verify: bool = True) -> Iterator[bytes]:
    """Yield the records of a file, which may be compressed by GZIP.

    Args:
        file: To read, once from the beginning to the end.
        verify: Whether to compare what the records hold with their CRC.

    Raises:
        DataError: It is no such file, it is damaged, or a record is larger than 256 MiB.
    """
    name = printable(str(file))
    with _opened(file, name) as stream:
        number = 0
        while header := stream.read(_HEADER.size):
            yield _record(stream, header, f"{name}: record {number}", verify=verify)
            number += 1


def _record(stream: IO[bytes], header: bytes, where: str, *, verify: bool) -> bytes:
    if len(header) < _HEADER.size:
        raise _ends_early(where)
    length, crc = _HEADER.unpack(header)
    if crc != masked(header[:8]):
        raise DataError(
            f"{where}: expected a TFRecord, received something else, compressed, or damaged.", hint=_ANEW
        )
    if length > LARGEST:
        raise DataError(
            f"{where}: expected {LARGEST} bytes at most, received a record of {length}.",
            hint="Store fewer images in each record, or in each batch.",
        )
    content = stream.read(length)
    footer = stream.read(_FOOTER.size)
    if len(content) < length or len(footer) < _FOOTER.size:
        raise _ends_early(where)
    if verify and _FOOTER.unpack(footer)[0] != masked(content):
        raise DataError(f"{where}: its content does not agree with its CRC; the file is damaged.", hint=_ANEW)
    return content


def _ends_early(where: str) -> DataError:
    return DataError(
        f"{where}: the file ends in the middle of it.", hint="Copy or write the whole file again."
    )


@contextmanager
def _opened(file: Path, name: str) -> Iterator[IO[bytes]]:
    """Open the file; GZIP begins with two bytes that may begin a length, too, but then a CRC agrees with it."""
    try:
        with file.open("rb") as plain:
            beginning = plain.read(_HEADER.size)
            plain.seek(0)
            is_gzip = beginning.startswith(_GZIP) and not _is_header(beginning)
            if not is_gzip:
                yield plain
                return
            with gzip.GzipFile(fileobj=plain) as unpacked:
                yield cast("IO[bytes]", unpacked)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: cannot be read ({printable(str(error))}).", hint=_ANEW) from error


def _is_header(beginning: bytes) -> bool:
    return len(beginning) == _HEADER.size and _HEADER.unpack(beginning)[1] == masked(beginning[:8])
