"""Read protobuf's wire format: enough to count what is in a message, without knowing its types."""

from __future__ import annotations

from collections.abc import Iterator

from gate.triage.problems import unreadable

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
Field = tuple[int, int, memoryview]


def fields(message: memoryview) -> Iterator[Field]:
    """Yield (number, wire type, content) of every field of one message, uncopied; a varint's content are its bytes.

    Raises:
        IncompleteError: It is no message (BD001).
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        start = at
        if kind == VARINT:
            _, at = _varint(message, at)
        elif kind == BYTES:
            length, start = _varint(message, at)
            at = start + length
        elif kind in _WIDTHS:
            at += _WIDTHS[kind]
        else:
            raise _damaged(f"a field of the kind {kind}")
        if number == 0 or at > len(message):
            raise _damaged("a field that ends behind its message" if number else "a field without a number")
        yield number, kind, message[start:at]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and where the next byte is."""
    value = 0
    for shift, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise _damaged("a number without an end")


def _damaged(received: str) -> Exception:
    return unreadable(f"The graph is damaged, or no TensorFlow graph: it holds {received}.")
