"""A server where it pays, a process started afresh where it does not or cannot be had, and nothing left of either."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

import gate
from gate.core.errors import IncompleteError
from gate.core.job import Job
from gate.isolation import fresh, server
from gate.isolation.process import Process
from gate.isolation.starting import Starting
from tests.jobs import INVERSION, job_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux only")

ROOT = Path(gate.__file__).parents[1]
STATIC = job_of(memory_mb=64)
FULL = job_of(memory_mb=64, detectors=INVERSION)
STATIC_ONLY, ALONE = (False, False), (False,)

PREAMBLE = f"""
import os, socket, sys, threading, time
sys.path.append({str(ROOT)!r})
from gate.sandbox import kernel, seccomp, syscalls
from gate.worker import server
"""


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in the place of the server."""

    def write(script: str) -> None:
        (tmp_path / "server.py").write_text(PREAMBLE + script)
        monkeypatch.setattr(server, "_SCRIPT", tmp_path / "server.py")

    return write


def children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):
            found += [int(number) for number in (task / "children").read_text().split()]
    return found


def until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def gone(process: int) -> bool:
    return until(lambda: not Path(f"/proc/{process}").exists())


def start(starting: Starting, workspace: Path, job: Job = STATIC) -> Process:
    return starting(job, workspace, lambda *_: None, Event())


def test_a_single_scan_has_no_server(tmp_path: Path) -> None:
    known = set(children(os.getpid()))

    with Starting(os.environ, ALONE) as starting:
        process = start(starting, tmp_path)
        (child,) = set(children(os.getpid())) - known

        assert [] == children(child)
        process.end()


def test_several_scans_share_one_server_that_ends_with_the_run(tmp_path: Path) -> None:
    known = set(children(os.getpid()))

    with Starting(os.environ, STATIC_ONLY) as starting:
        processes = [start(starting, tmp_path) for _ in range(3)]
        (child,) = set(children(os.getpid())) - known
        assert until(lambda: len(children(child)) == 3)
        forks = children(child)
        for process in processes:
            process.end()

        assert all(map(gone, forks))
    assert gone(child)


def test_no_scan_starts_no_server(tmp_path: Path) -> None:
    known = children(os.getpid())

    with Starting(os.environ, (False, False, True, True)):
        assert known == children(os.getpid())


def test_static_checks_share_a_server_without_tensorflow(tmp_path: Path) -> None:
    known = set(children(os.getpid()))

    with Starting(os.environ, (False, False, True)) as starting:
        start(starting, tmp_path).end()
        (child,) = set(children(os.getpid())) - known

        assert Path(f"/proc/{child}/cmdline").read_bytes().endswith(b"worker/server.py\0triage\0")


# Its children say who they are, and wait to be ended.
CHILD = "import os, sys; print(os.getppid(), flush=True); sys.stdin.read()"
SERVE = f"""
control = socket.socket(fileno=0)
control.send(b"ready")
if server.serve(control):
    {CHILD}
"""
REFUSE = """
def refuse(name, error):
    calls = syscalls.of(os.uname().machine)
    kernel.prctl(38, 1)
    number = (calls.refused | calls.by_argument)[name]
    seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | error), (6, 0, 0, 0x7FFF0000)])
"""

UNFIT = {
    "has threads": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nserver.main()",
    "cannot watch its children": REFUSE + "refuse('pidfd_open', 38)\nserver.main()",
    "crashes": "os.abort()",
    "says something else": "socket.socket(fileno=0).send(b'hello'); time.sleep(60)",
    "does not get ready": "time.sleep(60)",
}


@pytest.mark.parametrize("script", UNFIT.values(), ids=UNFIT)
def test_a_server_that_is_unfit_is_done_without(
    play: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    play(script)
    monkeypatch.setattr(fresh, "_SCRIPT", tmp_path / "child.py")
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.setattr(server, "_START_UP", 0.5 if "time.sleep(60)" in script else 60.0)

    with Starting(os.environ, STATIC_ONLY) as starting:
        for _ in range(2):
            process = start(starting, tmp_path)
            assert os.getpid() == int(process.stdout.readline())
            process.end()


def test_other_systems_have_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert server.launch(os.environ, needs_engine=False, stop=Event()) is None


def test_a_server_that_dies_takes_its_children_along_and_is_done_without(
    play: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(SERVE)
    monkeypatch.setattr(fresh, "_SCRIPT", tmp_path / "child.py")
    (tmp_path / "child.py").write_text(CHILD)

    with Starting(os.environ, STATIC_ONLY) as starting:
        process = start(starting, tmp_path)
        warm = int(process.stdout.readline())
        forks = children(warm)
        os.kill(warm, signal.SIGKILL)
        with pytest.raises(IncompleteError, match="did not start this one, or has ended"):
            process.wait(10)
        process.end()
        os.waitid(os.P_PID, warm, os.WEXITED | os.WNOWAIT)
        another = start(starting, tmp_path)

        assert all(map(gone, forks))
        assert os.getpid() == int(another.stdout.readline())
        another.end()


def test_a_server_without_room_for_another_process_says_so_and_goes_on(
    play: Callable[[str], None], tmp_path: Path
) -> None:
    play(REFUSE + "refuse('clone', 11)\n" + SERVE)

    with Starting(os.environ, STATIC_ONLY) as starting:
        for _ in range(2):
            process = start(starting, tmp_path)
            with pytest.raises(IncompleteError, match="did not start this one"):
                process.wait(10)
            process.end()


def test_a_child_at_work_is_no_child_that_has_ended(play: Callable[[str], None], tmp_path: Path) -> None:
    play(SERVE)

    with Starting(os.environ, STATIC_ONLY) as starting:
        process = start(starting, tmp_path)
        with pytest.raises(TimeoutError):
            process.wait(0.1)
        process.end()


def test_stopping_does_not_wait_for_the_server(play: Callable[[str], None], tmp_path: Path) -> None:
    play("time.sleep(60)")
    stop = Event()
    told: list[str] = []

    def stop_when_told(stage: str, *_: object) -> None:
        told.append(stage)
        stop.set()

    known = children(os.getpid())
    with (
        Starting(os.environ, (True, True)) as starting,
        pytest.raises(IncompleteError, match="It was interrupted"),
    ):
        starting(FULL, tmp_path, stop_when_told, stop)

    assert ["starting TensorFlow"] == told
    assert known == children(os.getpid())


GATE = (
    PREAMBLE
    + """
from pathlib import Path
from threading import Event
from gate.isolation import server as ours
ours._SCRIPT = Path({script!r})
launched = ours.launch(os.environ, needs_engine=False, stop=Event())
processes = [launched.start(Path({workspace!r})) for _ in range(2)]
print(*(process.stdout.readline().decode() for process in processes), flush=True)
time.sleep(60)
"""
)


def test_a_gate_that_is_killed_leaves_nothing_behind(play: Callable[[str], None], tmp_path: Path) -> None:
    play(SERVE)
    code = GATE.format(script=str(tmp_path / "server.py"), workspace=str(tmp_path))
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environ) as killed:
        assert killed.stdout is not None
        warm = int(killed.stdout.readline())
        forks = children(warm)
        killed.kill()

    assert 2 == len(forks)
    assert all(map(gone, (*forks, warm)))
