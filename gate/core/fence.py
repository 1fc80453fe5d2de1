"""Open files of a repository that a change may have written: regular ones that lie in it, and links lead nowhere."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_GIT = ".git"
_LINK = "a symbolic link, which is not followed"
# O_NONBLOCK: opening a named pipe that nobody writes to would otherwise wait for ever.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW


def inside(path: Path, top: Path) -> Path | None:
    """Return where a path lies in a repository, relative to its top; None if it is outside.

    Below the top a path counts as it is spelt: the change could have put the links there. Links on the way to the
    top, or into the repository, are the user's own and are followed.

    Args:
        path: Absolute.
        top: Absolute, without links.
    """
    plain = Path(os.path.normpath(path))
    for parent in (*reversed(plain.parents), plain):
        place = Path(os.path.realpath(parent))
        if place.is_relative_to(top):
            return place.relative_to(top) / plain.relative_to(parent)
    return None


def unlinked(relative: Path, top: Path) -> Path:
    """Return where a file or folder of a repository lies, having seen that no link below its top leads there.

    Args:
        relative: As `inside` returns it.
        top: Of the repository.

    Raises:
        OSError: A link leads there, or it is git's own.
    """
    _refuse_git(relative)
    place = top
    for part in relative.parts:
        place /= part
        if place.is_symlink():
            raise OSError(0, _LINK)
    return place


def open_inside(relative: Path, top: Path) -> BinaryIO:
    """Open a regular file of a repository, see `unlinked`, without following a link below its top.

    Raises:
        OSError: There is no such file, a link leads to it, it is git's own, or it is no regular file.
    """
    _refuse_git(relative)
    folder = os.open(top, _FOLDER)
    for part in relative.parts[:-1]:
        folder = _step(folder, part, _FOLDER)
    return _regular(_step(folder, relative.name or ".", _FILE))


def _refuse_git(relative: Path) -> None:
    if _GIT in (part.lower() for part in relative.parts):
        raise OSError(0, "a file of git's own")


def _step(folder: int, name: str, flags: int) -> int:
    """Open a name in an open folder, and close the folder."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(folder, name):
            raise OSError(0, _LINK) from error
        raise
    finally:
        os.close(folder)


def _is_link(folder: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _regular(descriptor: int) -> BinaryIO:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "a directory or device")
    return os.fdopen(descriptor, "rb")
