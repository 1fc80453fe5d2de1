"""Try the sandbox out in a process of its own, for those who ask before a scan whether it works here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    # As in `gate.worker.child`.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    __import__("gate")
    sys.path.append(sys.path.pop(0))

from gate.core.codec import from_plain, to_plain
from gate.core.confinement import Confinement
from gate.core.text import printable
from gate.sandbox import confine
from gate.sandbox.reading import engine_paths

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a process found that locked itself in.

    Attributes:
        confinement: What is in force; none of it, with the reason, if the process failed.
        milliseconds: CPU time that locking in took; 0 if the process failed.
        leaks: What was to be refused and was not, such as "read a file"; empty unless the sandbox is broken.
    """

    confinement: Confinement
    milliseconds: float = 0.0
    leaks: tuple[str, ...] = ()


def probe() -> Probe:
    """Lock a process of its own in and try the door; the caller and its folder stay as they are."""
    with tempfile.TemporaryDirectory(prefix="backdoor-gate-") as folder:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and our own file
                [sys.executable, "-I", str(Path(__file__).resolve())],
                cwd=folder,
                env={},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
            return from_plain(Probe, json.loads(done.stdout))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            missing = f"no sandbox (a trial of it failed: {printable(str(error), 200)})"
            return Probe(confinement=Confinement(landlock_abi=0, seccomp=False, missing=(missing,)))


def main() -> None:
    """Lock this process in and tell what came of it."""
    started = time.process_time()
    confinement = confine(readable=engine_paths(sys.path), workspace=Path.cwd())
    milliseconds = round((time.process_time() - started) * 1000, 1)
    leaks = tuple(
        name for name, is_guarded, attempt in _attempts(confinement) if is_guarded and _succeeds(attempt)
    )
    found = Probe(confinement=confinement, milliseconds=milliseconds, leaks=leaks)
    os.write(1, json.dumps(to_plain(found)).encode())


def _attempts(confinement: Confinement) -> tuple[tuple[str, bool, Callable[[], object]], ...]:
    """Return each attempt with its name and whether it is to be refused."""
    import socket

    outside = Path.cwd().parent
    return (
        ("list a folder", confinement.landlock_abi > 0, lambda: list(outside.iterdir())),
        ("write a file", confinement.landlock_abi > 0, lambda: (outside / f"probe-{os.getpid()}").touch()),
        ("open a socket", confinement.seccomp, lambda: socket.socket(socket.AF_UNIX).close()),
        ("start a process", confinement.seccomp, lambda: os.fork() or os._exit(0)),
        ("signal another process", confinement.seccomp, lambda: os.kill(os.getppid(), 0)),
    )


def _succeeds(attempt: Callable[[], object]) -> bool:
    with suppress(OSError):
        attempt()
        return True
    return False


if __name__ == "__main__":
    main()
