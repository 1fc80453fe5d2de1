"""Fuzz the scan: `python -m tests.corpus.fuzz [--seconds N] [--seed S] [--folder F]`; `make fuzz` does it.

Every mutant goes the way of a real model: staged, then scanned in a child that is locked in. What must never happen: an
error in the parent, code in plain view called clean, a scan that ends without evidence and without a reason, a scan
that outlives its time limit. A child that dies is no error, for the gate fails closed; it is counted, and its file kept.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from threading import Event

from gate import isolation
from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.job import DetectorCall
from gate.core.scan import Scan
from gate.discover.selection import Candidate
from gate.discover.staging import stage
from gate.isolation.starting import Starting
from tests.corpus.mutate import Mutant, mutant
from tests.jobs import job_of

WRONG = frozenset({"parent crashed", "code called clean", "passed without a scan", "hung", "code ran"})
KEPT = WRONG | {"child died"}
_SECONDS = 60.0
_MEMORY_MB = 4096
# A detector that looks for images that nobody gave: the model is rebuilt, and nothing is searched.
_LOADS = (DetectorCall(detector="activation-clustering"),)


def outcome(found: Mutant, folder: Path, *, loads: bool = False) -> str:
    """Scan a mutant as the gate would and say how that ended.

    Args:
        found: The mutant.
        folder: Empty folder to work in.
        loads: Whether what passes the static checks is rebuilt too, which costs a start of TensorFlow.
    """
    private, workspace = folder / "private", folder / "work"
    private.mkdir()
    workspace.mkdir()
    file = folder / f"model{found.suffix}"
    file.write_bytes(found.content)
    started = time.monotonic()
    try:
        ended = _judged(_scan(file, private, workspace, loads), found, loads)
    except Exception:
        traceback.print_exc()
        ended = "parent crashed"
    return "hung" if time.monotonic() - started > 2 * _SECONDS else ended


def _scan(file: Path, private: Path, workspace: Path, loads: bool) -> Scan:
    candidate = Candidate(path=file.name, file=file)
    staged = stage(candidate, private, 2**30, root=file.parent, environ=os.environ)
    if staged.file is None:
        return Scan(artifact=staged.artifact, gaps=(staged.gap,) if staged.gap else ())
    job = job_of(
        nonce=secrets.token_hex(16),
        artifact=staged.artifact,
        file=str(staged.file),
        detectors=_LOADS if loads else (),
        input_range=(0.0, 1.0),
        input_range_source="option",
        memory_mb=_MEMORY_MB,
        seconds=_SECONDS,
    )
    try:
        with Starting(os.environ, (loads,)) as start:
            return isolation.run(job, start, workspace, lambda *_: None, Event())
    except IncompleteError as error:
        return Scan(artifact=staged.artifact, gaps=(error.gap,))


def _judged(scan: Scan, found: Mutant, loads: bool) -> str:
    if scan.findings:
        return "finding"
    if scan.gaps:
        return "child died" if scan.gaps[0].rule == incomplete_rules.SCAN_FAILED.id else "incomplete"
    if found.must_fail:
        return "code called clean"
    return "passed without a scan" if loads and not scan.evidence else "clean"


def fuzz(seconds: float, seed: int, keep: Path, *, every: int = 0) -> Counter[str]:
    """Scan mutants until the time is up and count how their scans ended.

    Args:
        seconds: How long.
        seed: The same seed gives the same mutants.
        keep: Folder for mutants that something went wrong with.
        every: One mutant of so many is rebuilt too; 0 for none.
    """
    counted: Counter[str] = Counter()
    rng, deadline = random.Random(seed), time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        marker = Path(name, "EXECUTED")
        while time.monotonic() < deadline:
            number = counted.total()
            found = mutant(rng, marker)
            folder = Path(name, str(number))
            folder.mkdir()
            ended = outcome(found, folder, loads=bool(every) and number % every == every - 1)
            if marker.exists():
                marker.unlink()
                ended = "code ran"
            if ended in KEPT:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number}-{ended.replace(' ', '-')}{found.suffix}").write_bytes(found.content)
            counted[ended] += 1
    return counted


def main() -> int:
    """Fuzz as the command line says; return 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS", "1800")))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--folder", type=Path, default=Path(".work/fuzz"))
    parser.add_argument(
        "--load-every", type=int, default=40, metavar="N", help="rebuild every N-th mutant; 0 for none"
    )
    arguments = parser.parse_args()
    counted = fuzz(arguments.seconds, arguments.seed, arguments.folder, every=arguments.load_every)
    told = ", ".join(f"{count} {ended}" for ended, count in counted.most_common())
    print(f"seed {arguments.seed}: {counted.total()} mutants: {told}")
    return int(any(ended in WRONG for ended in counted))


if __name__ == "__main__":
    sys.exit(main())
