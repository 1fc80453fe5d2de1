r"""Read a list of file names as programs print it: lines, NUL-separated, or quoted by git."""

from __future__ import annotations

import os
import re

_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abfnrtv"\\])')
_LETTERS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))


def parse_list(source: bytes) -> tuple[str, ...]:
    """Return the names, in the order of the list, as the file system encodes them.

    Args:
        source: Separated by NUL if there is any, else by LF or CR LF; blank lines mean nothing.
    """
    if b"\0" in source:
        return tuple(os.fsdecode(name) for name in source.split(b"\0") if name)
    lines = (line.removesuffix(b"\r") for line in source.split(b"\n"))
    return tuple(os.fsdecode(_unquoted(line)) for line in lines if line.strip())


def _unquoted(line: bytes) -> bytes:
    # Without -z git prints a name that holds quotes, control or non-ASCII characters as a C string.
    # Taken as it stands it ends in a quote, would not look like a model, and would not be scanned.
    if len(line) < 2 or not (line.startswith(b'"') and line.endswith(b'"')):
        return line
    return _ESCAPE.sub(_unescaped, line[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes([int(code, 8)])
    return bytes([_LETTERS.get(code[0], code[0])])
