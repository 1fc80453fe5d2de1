"""System calls that a scan needs for one thing and that would serve an attacker for another."""

from __future__ import annotations

from dataclasses import dataclass

_ALL = 0xFFFF_FFFF

_CLONE_THREAD = 0x0001_0000
# New namespaces: mounts, cgroups, host names, IPC, users, processes, network.
_CLONE_NEW = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000

_F_SETOWN, _F_SETSIG, _F_SETOWN_EX, _F_NOTIFY = 8, 10, 15, 1026
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_PTRACER = 1, 4, 0x5961_6D61


@dataclass(frozen=True, slots=True)
class Word:
    """Half an argument of a system call: filters compute with 32 bits."""

    argument: int
    is_upper: bool = False


@dataclass(frozen=True, slots=True)
class Only:
    """A call that is allowed only if, in every (word, mask, value), the word has that value under that mask."""

    call: str
    words: tuple[tuple[Word, int, int], ...]


@dataclass(frozen=True, slots=True)
class Never:
    """A call that is refused if a word has one of these values."""

    call: str
    word: Word
    values: tuple[int, ...]


def conditions(process: int) -> tuple[Only | Never, ...]:
    """Return the conditions of the process with this id, the only one that its signals may go to."""
    first, second, third = Word(0), Word(1), Word(2)
    return (
        # Threads, no processes.
        Only("clone", ((first, _CLONE_THREAD | _CLONE_NEW, _CLONE_THREAD),)),
        # `abort` sends a signal to its own process.
        Only("kill", ((first, _ALL, process),)),
        Only("tgkill", ((first, _ALL, process),)),
        # To ask for a limit is `prlimit64` without a new one; root could otherwise raise its own.
        Only("prlimit64", ((third, _ALL, 0), (Word(2, is_upper=True), _ALL, 0))),
        # A file that is ready can send any signal to any process; a terminal can be typed into.
        Never("fcntl", second, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX, _F_NOTIFY)),
        Never("ioctl", second, (_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP)),
        # What `process.give_up_privileges` has set stays.
        Never("prctl", first, (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_PTRACER)),
    )
