"""Look up and keep scans: a complete one of the same file, asked the same, by the same engine is as good as a new one."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from threading import Lock

from gate.cache import engine, entry
from gate.cache.folder import Folder
from gate.cache.key import data_sha256, key_of
from gate.core.evidence import Status
from gate.core.job import Job
from gate.core.scan import Scan

MAX_BYTES = 256 * 1024 * 1024


class VerdictCache:
    """The scans that a folder keeps, for one run. Threads may share it.

    Args:
        top: The folder; it is made when the first scan is kept.
        secret: What entries are sealed with.
    """

    def __init__(self, top: Path, secret: bytes) -> None:
        self._folder = Folder(top)
        self._secret = secret
        self._engine = functools.cache(engine.fingerprint)
        self._data_sha256 = functools.cache(data_sha256)
        self._lock = Lock()
        self._refused: dict[str, int] = {}
        self._has_grown = False

    def find(self, job: Job) -> Scan | None:
        """Return the scan that a job asks for, if it was done before; a broken entry is as good as none."""
        try:
            scan = self._read(job)
        except OSError as error:
            self._refuse(f"cannot be read ({error.strerror})")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._refuse(str(error))
        else:
            return scan
        return None

    def _read(self, job: Job) -> Scan | None:
        key = self._key(job)
        content = self._folder.read(key)
        if content is None:
            return None
        scan = entry.unseal(content, key, self._secret)
        renamed = dataclasses.replace(
            scan, artifact=dataclasses.replace(scan.artifact, path=job.artifact.path)
        )
        if not (renamed.answers(job) and is_complete(renamed)):
            raise ValueError("does not answer what was asked")
        return renamed

    def keep(self, job: Job, scan: Scan) -> None:
        """Remember a scan, if it is complete."""
        if not is_complete(scan):
            return
        try:
            key = self._key(job)
            content = entry.seal(scan, key, self._secret)
            if len(content) <= entry.LARGEST:
                self._folder.write(key, content)
        except OSError as error:
            self._refuse(f"cannot be written ({error.strerror})")
        self._has_grown = True

    def notices(self) -> tuple[str, ...]:
        """Return what was wrong with entries, for the report."""
        with self._lock:
            return tuple(
                f"The verdict cache was not used for {count} model(s): the entry {why}."
                for why, count in sorted(self._refused.items())
            )

    def close(self) -> None:
        """Remove the least used entries, if some were added and all together are too large."""
        if self._has_grown:
            self._folder.prune(MAX_BYTES)

    def _key(self, job: Job) -> str:
        data = self._data_sha256(job.data.path) if job.data else ""
        return key_of(job, self._engine(), data)

    def _refuse(self, why: str) -> None:
        with self._lock:
            self._refused[why] = self._refused.get(why, 0) + 1


def is_complete(scan: Scan) -> bool:
    """Return whether a scan left nothing out that another try might measure, be it for want of time or memory."""
    is_cut = scan.model is not None and bool(scan.model.effort)
    return not (scan.gaps or is_cut) and all(each.status is not Status.FAILED for each in scan.evidence)
