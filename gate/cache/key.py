"""The key of a verdict: everything that may change what is measured, and nothing else."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from gate.core.codec import to_plain
from gate.core.job import Job


def key_of(job: Job, engine: str, data_sha256: str) -> str:
    """Return the key under which the scan that a job asks for is kept, 64 hex digits.

    All of the job counts, so that a field that is added to it later counts too, but for its nonce, its threads, its budget and for
    where the file, the base's and the data lie: their content does.

    Args:
        job: What is asked.
        engine: Digest of what measures, see `gate.cache.engine`.
        data_sha256: Digest of the job's data set; "" if it has none.
    """
    asked: dict[str, Any] = to_plain(job)
    # Only whole scans are kept, and a whole one is what any budget would buy at best.
    for beside_the_point in ("nonce", "file", "threads", "budget"):
        del asked[beside_the_point]
    del asked["artifact"]["path"]
    if job.base is not None:
        del asked["base"]["file"]
    if job.data is not None:
        asked["data"] = {"role": job.data.role, "sha256": data_sha256}
    canonical = json.dumps({"engine": engine, "job": asked}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def data_sha256(path: str) -> str:
    """Return the digest of a data set: a file's content, or the names and contents of all files below a folder.

    A list in CSV counts with the files that it names.

    Raises:
        OSError: Something in it cannot be read, or leads elsewhere by a link.
    """
    if os.path.isfile(path):  # noqa: PTH113 - Path.is_file hides why it cannot be read
        file = Path(path)
        named = _named(file) if file.suffix.lower() == ".csv" else ()
        return _digest_of([file, *named], file.parent) if named else _file_sha256(file)
    return _digest_of(_below(path), Path(path))


def _digest_of(files: Iterable[Path], top: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        place = os.fsencode(file.relative_to(top)).hex()
        whole.update(f"{_file_sha256(file)} {place}\n".encode())
    return whole.hexdigest()


def _below(path: str) -> Iterator[Path]:
    """Yield all files below a folder, in a fixed order."""
    for folder, folders, files in os.walk(path, onerror=_raise):
        for name in folders:
            if Path(folder, name).is_symlink():
                raise OSError(errno.ELOOP, "a folder is a link", name)
        folders.sort()
        yield from (Path(folder, name) for name in sorted(files))


def _named(table: Path) -> list[Path]:
    """Return the files that the cells of a list name, each below the list's folder, in a fixed order."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as text:
            cells = {cell.strip().replace("\\", "/") for row in csv.reader(text) for cell in row}
    except (UnicodeDecodeError, csv.Error):
        return []  # no list; a scan says so
    names = sorted(
        each for each in cells if each and "\0" not in each and ".." not in PurePosixPath(each).parts
    )
    files = (table.parent / name for name in names if not PurePosixPath(name).is_absolute())
    return [file for file in files if file.is_file()]


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _raise(error: OSError) -> None:
    raise error
