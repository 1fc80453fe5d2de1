"""Tensors as TensorFlow writes them into records; nothing is made that is larger than what was read."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.models.datasets.messages import parsed

# By their numbers in tensorflow/core/framework/types.proto. Variants and resources, which TensorFlow brings to life, are none of them.
NUMBERS: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    4: np.dtype("u1"),
    5: np.dtype("<i2"),
    6: np.dtype("i1"),
    9: np.dtype("<i8"),
    17: np.dtype("<u2"),
    19: np.dtype("<f2"),
    22: np.dtype("<u4"),
    23: np.dtype("<u8"),
}
TEXT = 7
# A batch of pictures; a text may be empty, so that their number is not bounded by what was read.
_MOST_TEXTS = 65_536
_LONGEST_VARINT = 5
_MENDED = "Store numbers (uint8 for images, int64 for labels) or encoded pictures."


def tensor(content: bytes, where: str, expected: int | None = None) -> NDArray[Any] | tuple[bytes, ...]:
    """Return the numbers, or the texts of a tensor of at most one dimension.

    Args:
        content: A serialized `TensorProto`.
        where: It lies, for messages.
        expected: Type that was declared for it; None if none was.

    Raises:
        DataError: It is damaged, or of another type.
    """
    from tensorflow.core.framework import tensor_pb2

    found = parsed(tensor_pb2.TensorProto, content, f"{where}: expected a tensor", hint=_MENDED)
    shape = tuple(int(each.size) for each in found.tensor_shape.dim)
    if found.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise DataError(f"{where}: expected a tensor of a known shape.", hint=_MENDED)
    if expected not in (None, found.dtype):
        raise DataError(
            f"{where}: expected a tensor of type {expected}, received {found.dtype}.", hint=_MENDED
        )
    if found.dtype == TEXT and len(shape) <= 1:
        return _texts(found.tensor_content, math.prod(shape), where)
    if found.dtype not in NUMBERS:
        raise DataError(
            f"{where}: expected numbers or encoded pictures, received a tensor of type {found.dtype}.",
            hint=_MENDED,
        )
    return _numbers(found.tensor_content, NUMBERS[found.dtype], shape, where)


def _texts(content: bytes, count: int, where: str) -> tuple[bytes, ...]:
    """Take texts apart: first the lengths of all, then all of them."""
    broken = DataError(f"{where}: expected {count} texts as declared, received something else.", hint=_MENDED)
    if not 0 < count <= _MOST_TEXTS:
        raise broken
    lengths: list[int] = []
    start = 0
    while len(lengths) < count:
        length, start = _varint(content, start)
        if length < 0:
            raise broken
        lengths.append(length)
    if start + sum(lengths) != len(content):
        raise broken
    ends = list(accumulate(lengths, initial=start))
    return tuple(content[begin:end] for begin, end in pairwise(ends))


def _varint(content: bytes, start: int) -> tuple[int, int]:
    """Return the number that begins here, and where the next one does; -1 if there is none."""
    value = 0
    for position in range(start, min(start + _LONGEST_VARINT, len(content))):
        value |= (content[position] & 0x7F) << 7 * (position - start)
        if content[position] < 0x80:
            return value, position + 1
    return -1, start


def _numbers(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> NDArray[Any]:
    declared = math.prod(shape) * dtype.itemsize
    if declared != len(content) or not declared:
        raise DataError(
            f"{where}: expected {declared} bytes as declared, received {len(content)}.", hint=_MENDED
        )
    return np.frombuffer(content, dtype).reshape(shape)
