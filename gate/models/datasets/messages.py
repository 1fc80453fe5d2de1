"""Messages of TensorFlow's file formats, parsed without TensorFlow doing anything with them."""

from __future__ import annotations

from typing import Any

from gate.core.errors import DataError


def parsed(kind: Any, content: bytes, expected: str, *, hint: str) -> Any:
    """Return a message of a kind that protobuf made.

    Args:
        kind: Its class.
        content: Serialized.
        expected: Where it lies and what it should be, as in "a.tfrecord: record 3: expected a tensor".
        hint: What to do if it is none.

    Raises:
        DataError: It is none.
    """
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise DataError(f"{expected}, received something else.", hint=hint) from error
