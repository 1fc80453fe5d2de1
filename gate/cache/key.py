"""The key of a verdict: everything that may change what is measured, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from gate.core.codec import to_plain
from gate.core.job import Job


def key_of(job: Job, engine: str, data_sha256: str) -> str:
    """Return the key under which the scan that a job asks for is kept, 64 hex digits.

    All of the job counts, so that a field that is added to it later counts too, but for its nonce, its threads, its budget and for
    where the file and the data lie: their content does.

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
    if job.data is not None:
        asked["data"] = {"role": job.data.role, "sha256": data_sha256}
    canonical = json.dumps({"engine": engine, "job": asked}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def data_sha256(path: str) -> str:
    """Return the digest of a data set: a file's content, or the names and contents of all files below a folder.

    Raises:
        OSError: Something in it cannot be read.
    """
    if os.path.isfile(path):  # noqa: PTH113 - Path.is_file hides why it cannot be read
        return _file_sha256(Path(path))
    whole = hashlib.sha256()
    for folder, folders, files in os.walk(path, onerror=_raise):
        folders.sort()
        for name in sorted(files):
            file = Path(folder, name)
            place = os.fsencode(file.relative_to(path)).hex()
            whole.update(f"{_file_sha256(file)} {place}\n".encode())
    return whole.hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _raise(error: OSError) -> None:
    raise error
