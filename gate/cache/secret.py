"""The secret that authenticates entries: given by the user, or this machine's own.

A cache may be restored from where others can write: a pull request's job, a folder in the checkout. An entry counts only
if it was sealed with the same secret. Without one of the user's, that is a random one that lies beside the user's
settings, never in the cache: what another machine wrote is then measured anew.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from gate.core.errors import UsageError

SHORTEST = 16
_NAME = "cache-key"
_SIZE = 32


def given(text: str) -> bytes:
    """Return the secret that the user set.

    Raises:
        UsageError: It is so short that it can be guessed.
    """
    if len(text) < SHORTEST:
        raise UsageError(
            f"BACKDOOR_GATE_CACHE_KEY: expected at least {SHORTEST} characters, received {len(text)}.",
            hint="Such as the output of `openssl rand -hex 32`, kept as a secret of the CI system.",
        )
    return text.encode("utf-8", "surrogateescape")


def own(folder: Path) -> bytes:
    """Return this machine's secret; it is made the first time.

    Args:
        folder: Where the user's state lies.

    Raises:
        OSError: It cannot be made or read, or others can read or write it.
    """
    file = folder / _NAME
    with suppress(FileNotFoundError):
        return _read(file)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_SIZE))
        with suppress(FileExistsError):  # another run was first; its secret holds
            os.link(made, file)
    finally:
        os.unlink(made)  # noqa: PTH108 - `made` is text
    return _read(file)


def _read(file: Path) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        about = os.fstat(descriptor)
        content = stream.read(_SIZE + 1)
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077 or len(content) != _SIZE:
        raise OSError(0, f"expected {_SIZE} bytes that only this user can read; remove the file", str(file))
    return content
