"""What several rooms share: the real command line, run as users run it, the example models, and Keras."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import pytest

from gate.isolation import server

COMMAND = Path(sys.executable).with_name("backdoor-gate")
ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

# What a developer's shell or a CI system may have set, and what would then change the output.
_UNSET = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")

# A verdict that another test left behind would spare the scan that a test is about. Tests of the cache unset this.
os.environ["BACKDOOR_GATE_NO_CACHE"] = "1"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Cli(Protocol):
    """Runs `backdoor-gate`."""

    def __call__(
        self, *arguments: str | bytes, cwd: Path, stdin: bytes = b"", environ: Mapping[str, str] = {}
    ) -> Outcome: ...


def surroundings(**changes: str) -> dict[str, str]:
    """Return the environment of this process without what colours a report."""
    return {name: value for name, value in os.environ.items() if name not in _UNSET} | changes


def run_cli(
    *arguments: str | bytes, cwd: Path, stdin: bytes = b"", environ: Mapping[str, str] = {}
) -> Outcome:
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=surroundings(**environ),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=600,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="session")
def cli() -> Cli:
    return run_cli


@pytest.fixture(scope="session")
def command() -> Path:
    return COMMAND


@pytest.fixture(scope="session")
def environment() -> Callable[..., dict[str, str]]:
    return surroundings


@pytest.fixture(scope="session")
def short_policy() -> str:
    """A policy without the longest searches, where the question is not what they find; its last key is `detectors`."""
    left_out = ("universal-patch", "universal-perturbation", "class-permutation")
    return "version: 1\ndetectors:\n" + "".join(f"  {name}: {{enabled: false}}\n" for name in left_out)


@pytest.fixture(scope="session")
def examples() -> Path:
    return EXAMPLES


@pytest.fixture(scope="session")
def keras() -> Any:
    """Import Keras, which takes seconds, and make it repeat itself as the scanning process does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        import keras
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    return keras


# The server that the gate starts, but its children do what they are told on their standard input. As a scan does, they
# leave nothing in a buffer.
FORKING = f"""
import sys
sys.path.append({str(ROOT)!r})
from gate.worker import child, server
def obey():
    exec(compile(sys.stdin.read(), "script", "exec"), {{"__name__": "__main__"}})
    sys.stdout.flush()
child.main = obey
server.main()
"""

Fork = Callable[[str, Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    """Run a script in a fork of a server that has imported TensorFlow, as the second scan of a run is."""
    script = tmp_path_factory.mktemp("server") / "server.py"
    script.write_text(FORKING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_SCRIPT", script)
        launched = server.launch(os.environ, needs_engine=True, stop=Event())
    if launched is None:
        pytest.skip("forks are safe on Linux only")

    def run(code: str, workspace: Path) -> subprocess.CompletedProcess[str]:
        forked = launched.start(workspace)
        try:
            forked.stdin.write(code.encode())
            forked.stdin.close()
            out, err = forked.stdout.read().decode(), forked.stderr.read().decode()
            return subprocess.CompletedProcess("fork", forked.wait(60), out, err)
        finally:
            forked.end()

    yield run
    launched.close()


@pytest.fixture(scope="session")
def once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Fill a folder once for all workers of pytest-xdist: a scan is too dear for each of them to repeat it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def fill(name: str, build: Callable[[Path], None]) -> Path:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                half = shared / f"{name}.half"
                half.mkdir()
                build(half)
                half.rename(folder)
        return folder

    return fill
