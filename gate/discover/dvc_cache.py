"""Find in DVC's cache on this machine what a pointer names by its digest: listings of directories, and models."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gate.core.errors import IncompleteError
from gate.discover.opening import open_regular
from gate.discover.pointers import DVC_MAX_BYTES, DvcOutput, damaged_dvc

_LISTING_MAX_BYTES = 1 << 26  # about half a million files
_DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")


def listing(output: DvcOutput, file: Path) -> tuple[DvcOutput, ...] | None:
    """Return the files of a directory that DVC tracks; None if its listing is not on this machine.

    Args:
        output: The directory.
        file: Where its pointer lies in the working tree.

    Raises:
        IncompleteError: The listing names files outside the directory, or is none.
    """
    entries = output.files or _cached_listing(output, file)
    if entries is None:
        return None
    if not all(_is_inside(path) for path, _ in entries):
        raise damaged_dvc(output.pointer, f"expected files within {output.path} in its listing")
    return tuple(
        replace(output, path=posixpath.join(output.path, path), md5=md5, is_directory=False, files=())
        for path, md5 in entries
    )


def cached(md5: str, file: Path) -> Iterator[Path]:
    """Yield where DVC's caches would keep an object; its content is to be checked against the digest.

    Args:
        md5: Digest as DVC states it, with ``.dir`` for a listing.
        file: Where the pointer lies in the working tree.
    """
    if not _DIGEST.fullmatch(md5):
        return
    root = next((folder / ".dvc" for folder in file.absolute().parents if (folder / ".dvc").is_dir()), None)
    if root is None:
        return
    for cache in (*_configured(root), root / "cache"):
        yield cache / "files" / "md5" / md5[:2] / md5[2:]
        yield cache / md5[:2] / md5[2:]  # before DVC 3


def _configured(root: Path) -> Iterator[Path]:
    for name in ("config.local", "config"):
        parser = configparser.ConfigParser(interpolation=None)
        # A change can commit a link in the place of the settings.
        with suppress(OSError, ValueError, configparser.Error, IncompleteError):
            with open_regular(root / name, name) as stream:
                parser.read_string(stream.read(DVC_MAX_BYTES).decode("utf-8"))
            if folder := parser.get("cache", "dir", fallback=""):
                yield root / folder


def _cached_listing(output: DvcOutput, file: Path) -> tuple[tuple[str, str], ...] | None:
    for place in cached(output.md5, file):
        content = _read(place, output.pointer)
        if content is not None and f"{_md5(content)}.dir" == output.md5:
            return _entries(content, output)
    return None


def _read(place: Path, name: str) -> bytes | None:
    with suppress(IncompleteError), open_regular(place, name, follow=True) as stream:
        return stream.read(_LISTING_MAX_BYTES)
    return None


def _entries(content: bytes, output: DvcOutput) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(entry["relpath"]), str(entry["md5"])) for entry in json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged_dvc(output.pointer, f"expected a listing of {output.path} in DVC's cache") from error


def _is_inside(path: str) -> bool:
    plain = posixpath.normpath(path)
    return bool(path) and not os.path.isabs(path) and plain != ".." and not plain.startswith("../")  # noqa: PTH117 - a text from a listing


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
