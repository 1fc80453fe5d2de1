"""Scripts that lock themselves in, in real processes of both kinds; none of this runs in pytest's own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gate

ROOT = Path(gate.__file__).parents[1]

# What every child begins with. The modules that attempts need are there before the door closes.
PREAMBLE = f"""
import sys
sys.path.append({str(ROOT)!r})
import ctypes, errno, fcntl, json, mmap, os, resource, select, signal, socket, struct, subprocess, threading
from pathlib import Path
from gate.sandbox import confine, kernel, landlock, seccomp, syscalls
from gate.sandbox.reading import engine_paths

outside, model, secret = Path("../outside"), Path("../model.h5"), Path("../outside/secret")
calls = syscalls.of(os.uname().machine)
def call(name, *arguments):
    return kernel.syscall((calls.refused | calls.by_argument)[name], *arguments)
def lock_in():
    return confine(readable=(*engine_paths(sys.path), model), workspace=Path.cwd(), memory_mb=64, seconds=60)
def refuse(number, error):  # as an older or a locked-down kernel would
    kernel.prctl(38, 1)
    seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | error), (6, 0, 0, 0x7FFF0000)])
"""
ATTEMPT = """
try:
    attempt()
except MemoryError:
    print("MemoryError")
except OSError as error:
    print(errno.errorcode[error.errno])
else:
    print("done")
"""


Done = subprocess.CompletedProcess[str]
Run = Callable[[str], Done]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace, beside a model and a secret."""
    for name in ("work", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "mine").write_text("mine")
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "model.h5").write_text("model")
    return tmp_path / "work"


@pytest.fixture
def run_fresh(workspace: Path) -> Run:
    """Run a script in an interpreter of its own."""

    def start(script: str) -> Done:
        return subprocess.run(
            [sys.executable, "-I", "-c", PREAMBLE + script],
            cwd=workspace,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return start


@pytest.fixture(params=["fresh", "forked"])
def run(request: pytest.FixtureRequest, workspace: Path) -> Run:
    """Run a script in an interpreter of its own, or in a fork of a server that has imported TensorFlow."""
    if request.param == "fresh":
        started: Run = request.getfixturevalue("run_fresh")
        return started
    fork = request.getfixturevalue("fork")
    return lambda script: fork(PREAMBLE + script, workspace)


@pytest.fixture
def attempt() -> Callable[[str, str], str]:
    """Return a script that makes an attempt, after something else, and prints how it went."""

    def script(attempted: str, before: str = "") -> str:
        body = "".join(f"    {line}\n" for line in attempted.splitlines())
        return f"def attempt():\n{body}{before}\n{ATTEMPT}"

    return script
