"""A fork of the server is what a child started afresh would be, and knows nothing of the forks before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux only")

Fork = Callable[[str, Path], subprocess.CompletedProcess[str]]

SEEN = """
import json, os, sys, tempfile, threading
modules = sorted({"tensorflow", "keras", "h5py", "gate.detectors.neural_cleanse"} & set(sys.modules))
threads = len(os.listdir("/proc/self/task"))
files = sorted(os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in range(256) if os.path.exists(f"/proc/self/fd/{n}"))
places = {os.getcwd(), os.environ["HOME"], os.environ["TMPDIR"], os.environ["KERAS_HOME"], tempfile.gettempdir()}
print(json.dumps({"modules": modules, "threads": threads, "files": files, "places": sorted(places), "pid": os.getpid(),
                  "session": os.getsid(0), "group": os.getpgid(0)}))
"""


def seen(fork: Fork, workspace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fork(SEEN, workspace).stdout)
    return found


def test_a_fork_is_warm_and_whole(fork: Fork, tmp_path: Path) -> None:
    found = seen(fork, tmp_path)

    assert ["gate.detectors.neural_cleanse", "h5py", "keras", "tensorflow"] == found["modules"]
    assert 1 == found["threads"]


def test_a_fork_has_a_session_a_folder_and_three_pipes_of_its_own(fork: Fork, tmp_path: Path) -> None:
    found = seen(fork, tmp_path)

    assert (found["pid"], found["pid"]) == (found["session"], found["group"])
    assert [str(tmp_path)] == found["places"]
    assert ["pipe"] * 3 == found["files"]


# What a model that took over its scan might leave behind for the next one.
TRACES = """
import builtins, json, os, random, sys, tempfile
import keras, numpy, tensorflow as tf
if {leave}:
    keras.config.set_floatx("float16")
    keras.layers.Dense(2)
    tf.constant(1.0) + 1.0
    json.dumps = lambda *_: "clean"
    builtins.open = os.environ["KERAS_BACKEND"] = sys.modules["gate.worker.scanning"] = None or "x"
    os.nice(1)
print(keras.config.floatx(), keras.layers.Dense(2).name, open is os.open, json.dumps([]), os.environ["KERAS_BACKEND"],
      type(sys.modules["gate.worker.scanning"]).__name__, os.nice(0), tf.config.threading.get_intra_op_parallelism_threads())
"""


def test_what_one_scan_changes_the_next_does_not_see(fork: Fork, tmp_path: Path) -> None:
    before = fork(TRACES.format(leave=False), tmp_path)
    changed = fork(TRACES.format(leave=True), tmp_path)
    after = fork(TRACES.format(leave=False), tmp_path)

    assert "float32 dense " in before.stdout
    assert before.stdout not in ("", changed.stdout)
    assert before.stdout == after.stdout


CRASHES = {
    "by a signal": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    "by abort": ("import os; os.abort()", -signal.SIGABRT),
    "out of memory": ("raise MemoryError", 1),
    "with a code": ("raise SystemExit(7)", 7),
}


@pytest.mark.parametrize(("script", "code"), CRASHES.values(), ids=CRASHES)
def test_a_crash_is_told_and_hurts_nobody_else(fork: Fork, tmp_path: Path, script: str, code: int) -> None:
    crashed = fork(script, tmp_path)
    next_one = fork("print('well')", tmp_path)

    assert code == crashed.returncode
    assert ("well\n", 0) == (next_one.stdout, next_one.returncode)


def test_a_fork_cannot_signal_another_or_the_server(fork: Fork, tmp_path: Path) -> None:
    confined = (
        "import os, sys\nfrom pathlib import Path\nfrom gate.sandbox import confine\n"
        "assert not confine(readable=(), workspace=Path.cwd()).missing\n"
    )
    attempt = "try: os.kill({}, 9)\nexcept PermissionError: print('refused')\n"

    sibling = subprocess.Popen(["sleep", "60"])
    try:
        done = fork(confined + attempt.format("os.getppid()") + attempt.format(sibling.pid), tmp_path)
    finally:
        sibling.kill()
        code = sibling.wait()

    assert "refused\n" * 2 == done.stdout
    assert -signal.SIGKILL == code  # ours, for it was alive until then
    assert 0 == fork("pass", tmp_path).returncode


@pytest.mark.slow
def test_a_fork_reads_tensorflow_s_results_as_any_process_does(fork: Fork, tmp_path: Path) -> None:
    script = (
        "from gate.worker.scanning import start_engine as start\nstart(0, side_by_side=2)\nimport tensorflow as tf\n"
        + ("print(float(tf.reduce_sum(tf.random.normal((256, 256)) @ tf.random.normal((256, 256)))))")
    )
    fresh = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.append({os.fspath(Path(__file__).parents[2])!r})\n" + script,
        ],
        env={"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert fresh.stdout == fork(script, tmp_path).stdout


@pytest.mark.parametrize("needs_engine", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_static_checks_import_no_tensorflow(tmp_path: Path, needs_engine: bool) -> None:
    script = "from gate.worker.server import preload\npreload(needs_engine={})\nimport sys\n" + (
        "print(*sorted({{'h5py', 'tensorflow'}} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script.format(needs_engine)],
        env={"PYTHONPATH": os.fspath(Path(__file__).parents[2]), "KERAS_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("h5py tensorflow\n" if needs_engine else "h5py\n") == done.stdout
