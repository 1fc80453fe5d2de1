"""Seccomp: the kernel refuses this process the system calls that a scan does not need.

A filter is a program of the classic BPF that the kernel runs at every system call
(https://docs.kernel.org/userspace-api/seccomp_filter.html). This one is a list: what it does not name is allowed,
except calls that are newer than the list.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence

from gate.sandbox.conditions import Never, Only, Word, conditions
from gate.sandbox.kernel import Unavailable, prctl, reason
from gate.sandbox.syscalls import FIRST_UNKNOWN, Architecture, of

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST = 0x15, 0x35
_KILL, _ALLOW, _FAIL = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
# Offsets in `struct seccomp_data`: the call's number, its architecture, and six arguments of 64 bits.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def restrict() -> int:
    """Filter the system calls of this thread, and of those that it starts; needs "no new privileges".

    Returns:
        The number of the filter's instructions.

    Raises:
        Unavailable: The kernel does not offer it, or nobody has listed its calls for this processor.
    """
    machine = os.uname().machine
    architecture = of(machine)
    if architecture is None or sys.maxsize < 1 << 32:
        raise Unavailable(f"no seccomp (no list of system calls for {machine})")
    program = instructions(architecture, os.getpid())
    try:
        install(program)
    except OSError as error:
        raise Unavailable(f"no seccomp ({reason(error)})") from error
    return len(program)


def install(program: Sequence[Instruction]) -> None:
    """Put a filter on top of those in force.

    Raises:
        OSError: The kernel refuses.
    """
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    record = _Program(length=len(program), instructions=ctypes.addressof(buffer))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(record))


def instructions(architecture: Architecture, process: int) -> list[Instruction]:
    """Return the filter of the process with this id, by the numbers of its processor; see `conditions`."""
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # Numbers of x86's x32 mode are above this, too.
        (_JUMP_IF_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        _fail(errno.ENOSYS),
    ]
    for number in architecture.unknown.values():
        program += [(_JUMP_IF_EQUAL, 0, 1, number), _fail(errno.ENOSYS)]
    for number in architecture.refused.values():
        program += [(_JUMP_IF_EQUAL, 0, 1, number), _fail(errno.EPERM)]
    for condition in conditions(process):
        body = _body(condition)
        program += [(_JUMP_IF_EQUAL, 0, len(body), architecture.by_argument[condition.call]), *body]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _body(condition: Only | Never) -> list[Instruction]:
    """Test one call's arguments; the call is decided here, so that nothing need be loaded again."""
    if isinstance(condition, Never):
        tests = [
            step for value in condition.values for step in ((_JUMP_IF_EQUAL, 0, 1, value), _fail(errno.EPERM))
        ]
        return [_load(condition.word), *tests, (_RETURN, 0, 0, _ALLOW)]
    tests = []
    for word, mask, value in condition.words:
        tests += [_load(word), (_AND, 0, 0, mask), (_JUMP_IF_EQUAL, 1, 0, value), _fail(errno.EPERM)]
    return [*tests, (_RETURN, 0, 0, _ALLOW)]


def _load(word: Word) -> Instruction:
    # Both architectures store the lower half of an argument first.
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * word.argument + 4 * word.is_upper)


def _fail(number: int) -> Instruction:
    return (_RETURN, 0, 0, _FAIL | number)
