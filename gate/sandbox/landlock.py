"""Landlock: the kernel refuses this process every file and TCP port but those named here.

Documentation: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gate.sandbox.kernel import Unavailable, reason, syscall

# The numbers are the same on every architecture that Python's wheels exist for.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
# How many rights to files each version knows; what is not handled is not refused.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_BIND_AND_CONNECT_TCP = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_READ = _READ_FILE | _READ_DIR
# No links, devices, sockets and pipes: the parent cleans the folder up.
_WORK = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER
_OF_A_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict(readable: Iterable[Path], workspace: Path) -> int:
    """Leave this thread, and those that it starts, nothing but these files.

    Args:
        readable: Files and folders to read; links are followed, and what does not exist is passed over.
        workspace: Folder to read and write.

    Returns:
        The version of Landlock in force, >= 1.

    Raises:
        Unavailable: The kernel does not offer it, or other threads are running already.
    """
    _require_one_thread()
    try:
        return _restrict(readable, workspace)
    except OSError as error:
        raise Unavailable(f"no Landlock ({reason(error)})") from error


def _restrict(readable: Iterable[Path], workspace: Path) -> int:
    abi = syscall(_CREATE_RULESET, 0, 0, _VERSION)
    handled = _handled(abi)
    ruleset = syscall(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    try:
        for path in readable:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow(ruleset, path, _READ & handled.files)
        _allow(ruleset, workspace, _WORK & handled.files)
        syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _require_one_thread() -> None:
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count of names, not paths
    except OSError as error:
        raise Unavailable(f"no Landlock (/proc: {str(error.strerror).lower()})") from error
    if threads != 1:
        raise Unavailable(f"no Landlock ({threads} threads are running already)")


def _handled(abi: int) -> _Ruleset:
    """Return everything that this version can refuse; an older kernel takes the larger record if its end is zero."""
    rights = _FILE_RIGHTS.get(abi, max(_FILE_RIGHTS.values()))
    return _Ruleset(
        files=(1 << rights) - 1,
        net=_BIND_AND_CONNECT_TCP if abi >= 4 else 0,
        scoped=_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0,
    )


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_A_FILE
        rule = _PathBeneath(allowed=rights, parent=descriptor)
        syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
