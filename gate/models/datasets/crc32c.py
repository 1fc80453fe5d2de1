"""CRC-32C, as TFRecord files are sealed with: a sum over a table `T[k, b]`, byte b followed by k zero bytes, as CRCs are linear."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = np.uint32(0x82F63B78)
_BLOCK = 1024
_ONES = 0xFFFFFFFF


def masked(content: bytes) -> int:
    """Return the masked CRC that TFRecord files hold of some bytes."""
    value = _crc32c(content)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & _ONES


def _crc32c(content: bytes) -> int:
    table, rows = _table()
    value = _ONES
    for start in range(0, len(content), _BLOCK):
        block = np.frombuffer(content, np.uint8, min(_BLOCK, len(content) - start), start).copy()
        # The first four bytes take up what the blocks before them left; a shorter block leaves the rest of it.
        taken = min(4, len(block))
        block[:taken] ^= np.frombuffer(value.to_bytes(4, "little"), np.uint8, taken)
        value = int(np.bitwise_xor.reduce(table.take(rows[-len(block) :] + block))) ^ (value >> 8 * taken)
    return value ^ _ONES


@functools.cache
def _table() -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return T, the longest tail of zeros first and in one row, and where each k begins."""
    tail: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        tail = (tail >> np.uint32(1)) ^ (tail & np.uint32(1)) * _POLYNOMIAL
    tails = [tail]
    while len(tails) < _BLOCK:
        tails.append(tails[0][tails[-1] & np.uint32(0xFF)] ^ (tails[-1] >> np.uint32(8)))
    return np.concatenate(tails[::-1]), 256 * np.arange(_BLOCK, dtype=np.int64)
