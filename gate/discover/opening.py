"""Open a file that a stranger put there: once, without following or waiting for anything."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(file: Path, name: str, *, follow: bool = False) -> BinaryIO:
    """Open a regular file for reading, and refuse everything else.

    Args:
        file: Where it is.
        name: What to call it in a message.
        follow: Whether `file` may be a symbolic link; only for content that is verified by its digest.

    Raises:
        IncompleteError: It is missing, may not be read, or is a link, directory, pipe or device.
    """
    # O_NONBLOCK: opening a named pipe that nobody writes to would otherwise wait for ever.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(file, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        raise _refusal(error, name) from error
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise IncompleteError(
            incomplete_rules.UNREADABLE.id,
            f"{name}: expected a model file, received {_KINDS.get(kind, 'a special file')}.",
            hint="Name the model file itself, saved with `model.save('model.keras')`.",
        )
    return os.fdopen(descriptor, "rb")


def symlink(name: str) -> IncompleteError:
    """Return the refusal of a symbolic link."""
    return IncompleteError(
        incomplete_rules.UNSUPPORTED.id,
        f"{name}: expected a model file, received a symbolic link, which is not followed.",
        hint="Commit the model itself, or name the file that the link points to.",
    )


def _refusal(error: OSError, name: str) -> IncompleteError:
    if error.errno == errno.ELOOP:
        return symlink(name)
    hints = {
        errno.ENOENT: "Restore the file, or take it off the list.",
        errno.EACCES: "Let the user who runs the gate read it: `chmod a+r`.",
    }
    return IncompleteError(
        incomplete_rules.UNREADABLE.id,
        f"{name}: cannot be opened: {error.strerror}.",
        hint=hints.get(error.errno or 0, "Check that it is a file that this user may read."),
    )
