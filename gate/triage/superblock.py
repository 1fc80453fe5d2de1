"""Read the superblock of an HDF5 file: where its data end, and whether they lie in other files.

Format: HDF5 File Format Specification 3.0, section II.A, versions 0 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Version -> where the size of an address stands, where the addresses begin, how many, which is the end, which the driver.
_LAYOUTS = {0: (13, 24, 4, 2, 3), 1: (13, 28, 4, 2, 3), 2: (9, 12, 4, 2, None), 3: (9, 12, 4, 2, None)}


@dataclass(frozen=True, slots=True)
class Superblock:
    """What the gate reads of a superblock.

    Attributes:
        end: Bytes of the file, as it says itself.
        names_driver: Whether it says that a driver other than the plain one has written it.
    """

    end: int
    names_driver: bool


def read_superblock(head: bytes) -> Superblock | None:
    """Return the superblock in a file's first 1,024 bytes; None if it is of a kind that HDF5 1.14 does not know."""
    layout = _LAYOUTS.get(head[8] if len(head) > 8 else 255)
    if layout is None or not head.startswith(SIGNATURE):
        return None
    at_width, start, count, end, driver = layout
    width = head[at_width] if len(head) > at_width else 0
    if width not in (2, 4, 8, 16, 32) or len(head) < start + count * width:
        return None
    addresses = [
        int.from_bytes(head[at : at + width], "little") for at in range(start, start + count * width, width)
    ]
    undefined = (1 << (8 * width)) - 1
    return Superblock(addresses[end], driver is not None and addresses[driver] != undefined)
