"""The filter of system calls, run instruction by instruction for processors that this machine has not."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import pytest

from gate.sandbox import syscalls
from gate.sandbox.seccomp import Instruction, instructions

PROCESS = 4321
ALLOWED, KILLED = 0x7FFF_0000, 0x8000_0000
MACHINES = ("x86_64", "aarch64")


def decide(program: Sequence[Instruction], number: int, audit: int, *arguments: int) -> int:
    """Return what the kernel would return: the few instructions of classic BPF that the filter is made of."""
    words = [number, audit, 0, 0]
    for argument in (*arguments, *(6 - len(arguments)) * (0,)):
        words += [argument & 0xFFFF_FFFF, argument >> 32]
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == 0x06:
            return value
        if code == 0x20:
            accumulator = words[value // 4]
        elif code == 0x54:
            accumulator &= value
        else:
            is_true = accumulator == value if code == 0x15 else accumulator >= value
            position += if_true if is_true else if_false


def failing(error: int) -> int:
    return 0x5_0000 | error


@pytest.fixture(params=MACHINES)
def architecture(request: pytest.FixtureRequest) -> syscalls.Architecture:
    found = syscalls.of(request.param)
    assert found is not None
    return found


def test_listed_calls_are_refused_and_others_allowed(architecture: syscalls.Architecture) -> None:
    program = instructions(architecture, PROCESS)
    listed = {
        *architecture.refused.values(),
        *architecture.unknown.values(),
        *architecture.by_argument.values(),
    }

    refused = {decide(program, number, architecture.audit) for number in architecture.refused.values()}
    others = {
        decide(program, n, architecture.audit) for n in range(syscalls.FIRST_UNKNOWN) if n not in listed
    }

    assert {failing(errno.EPERM)} == refused
    assert {ALLOWED} == others
    assert failing(errno.ENOSYS) == decide(program, architecture.unknown["clone3"], architecture.audit)


@pytest.mark.parametrize("number", [syscalls.FIRST_UNKNOWN, 0x4000_0000, 0xFFFF_FFFF])
def test_newer_calls_do_not_exist(architecture: syscalls.Architecture, number: int) -> None:
    assert failing(errno.ENOSYS) == decide(instructions(architecture, PROCESS), number, architecture.audit)


def test_calls_of_another_processor_end_the_process(architecture: syscalls.Architecture) -> None:
    assert KILLED == decide(instructions(architecture, PROCESS), 0, architecture.audit ^ 1)


# A thread as glibc starts it; SIGCHLD alone is what fork asks for.
THREAD, SIGCHLD, NEW_USER = 0x3D0F00, 17, 0x1000_0000
BY_ARGUMENT = [
    ("clone", (THREAD,), True),
    ("clone", (SIGCHLD,), False),
    ("clone", (THREAD | NEW_USER,), False),
    ("kill", (PROCESS,), True),
    ("kill", (PROCESS - 1,), False),
    ("kill", (0,), False),
    ("tgkill", (PROCESS,), True),
    ("tgkill", (1,), False),
    ("prlimit64", (0, 7, 0), True),
    ("prlimit64", (0, 7, 1), False),
    ("prlimit64", (0, 7, 1 << 32), False),
    ("fcntl", (0, 3), True),
    ("fcntl", (0, 8), False),
    ("ioctl", (0, 0x5401), True),
    ("ioctl", (0, 0x5412), False),
    ("prctl", (15,), True),
    ("prctl", (4,), False),
]


@pytest.mark.parametrize(("call", "arguments", "is_allowed"), BY_ARGUMENT)
def test_some_calls_depend_on_their_arguments(
    architecture: syscalls.Architecture, call: str, arguments: tuple[int, ...], is_allowed: bool
) -> None:
    program = instructions(architecture, PROCESS)

    decided = decide(program, architecture.by_argument[call], architecture.audit, *arguments)

    assert (ALLOWED if is_allowed else failing(errno.EPERM)) == decided
