"""Triage a built corpus in one process, as the scan would: `python -m tests.corpus.triage FOLDER` prints JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from gate.core.errors import IncompleteError
from gate.discover.selection import Candidate
from gate.discover.staging import stage
from gate.triage.inspection import inspect
from tests.corpus.build import CASES


def rules(file: Path, private: Path) -> list[str]:
    """Return the rules that a file is stopped by before anything is built."""
    staged = stage(Candidate(path=file.name, file=file), private, 2**30, root=file.parent, environ=os.environ)
    if staged.file is None:
        return [staged.gap.rule] if staged.gap else []
    try:
        return sorted({each.rule for each in inspect(staged.file, staged.artifact.format).findings})
    except IncompleteError as error:
        return [error.rule]


def peak_rss() -> int:
    """Return the peak of this process's memory in bytes: on Linux not ru_maxrss, which begins with that of whoever started it."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    """Print the rules and seconds of every file, and the peak of this process's memory in bytes."""
    told = {}
    for name, case in CASES.items():
        if not case.is_endless:
            with tempfile.TemporaryDirectory() as private:
                started = time.perf_counter()
                found = rules(Path(sys.argv[1], name), Path(private))
                told[name] = {"rules": found, "seconds": time.perf_counter() - started}
    json.dump({"files": told, "peak_rss": peak_rss()}, sys.stdout)


if __name__ == "__main__":
    main()
