"""Speak to the Linux kernel through the C library."""

from __future__ import annotations

import ctypes
import errno
import os

# An integer, or what `ctypes.byref` returns; its class has no public name.
Argument = object

# Read as a long, the -1 of a function that returns an int is a success.
_RESULTS = {"prctl": ctypes.c_int, "syscall": ctypes.c_long}


class Unavailable(Exception):
    """The kernel does not offer a protection; the text says which and why."""


def prctl(option: int, first: Argument, second: Argument = 0) -> int:
    """Change a property of this process.

    Raises:
        OSError: The kernel refuses.
    """
    return _checked("prctl", option, first, second, 0, 0)


def syscall(number: int, *arguments: Argument) -> int:
    """Call the kernel by number, where the C library has no name for it.

    Raises:
        OSError: The kernel refuses.
    """
    return _checked("syscall", number, *arguments)


def reason(error: OSError) -> str:
    """Return why the kernel does not offer a protection, for people."""
    known = {
        errno.ENOSYS: "this kernel has none",
        errno.EOPNOTSUPP: "it is switched off on this kernel",
        errno.EINVAL: "this kernel has none",
    }
    return known.get(error.errno or 0, str(error.strerror).lower())


def _checked(function: str, *arguments: Argument) -> int:
    entry = getattr(ctypes.CDLL(None, use_errno=True), function)
    entry.restype = _RESULTS[function]
    # Both functions are variadic: a plain int would be passed as 32 bits, its upper half left to chance.
    result = int(entry(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
