"""Whoever stops the gate stops all of it; whoever watches it sees bars, and nobody else does."""

from __future__ import annotations

import ctypes
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest


def descendants(process: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):
            children += map(int, (task / "children").read_text().split())
    return children


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def process_itself(process: int, stop: int) -> None:
    """The system picks the thread that hears of it, as a rule the main one."""
    os.kill(process, stop)


def another_thread(process: int, stop: int) -> None:
    """As seen from the main thread, the same as a signal that comes just before it begins to wait: nothing wakes it."""
    threads = sorted(int(each.name) for each in Path(f"/proc/{process}/task").iterdir())
    assert 0 == ctypes.CDLL(None).tgkill(process, threads[-1], stop)
    assert process != threads[-1]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux' /proc to find the children")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("told", [process_itself, another_thread])
def test_an_interrupted_run_leaves_nothing_behind(
    command: Path,
    examples: Path,
    environment: Callable[..., dict[str, str]],
    tmp_path: Path,
    told: Callable[[int, int], None],
    stop: int,
) -> None:
    model = examples / "models" / "clean.keras"
    # Where the tests run as a background job of a shell, Ctrl-C is ignored, and children inherit that.
    listening = ["env", "--default-signal=INT,TERM"]
    models = [model, model.with_name("backdoored-patch.keras")]
    arguments = [*listening, command, "check", *models, "--output=json=r.json"]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(TMPDIR=str(temporary)), stderr=subprocess.PIPE, text=True
    ) as gate:
        try:
            assert wait_for(lambda: descendants(gate.pid))
            scanners = descendants(gate.pid)
            told(gate.pid, stop)
            _, err = gate.communicate(timeout=60)
        finally:
            gate.kill()

    assert 130 == gate.returncode
    assert "Interrupted; no report was written." in err
    assert wait_for(lambda: not any(Path(f"/proc/{scanner}").exists() for scanner in scanners), 5)
    assert [] == list(temporary.iterdir())
    assert not (tmp_path / "r.json").exists()


def seen_on_terminal(arguments: list[object], cwd: Path, environ: dict[str, str]) -> str:
    """Run a command with its standard error on a terminal, and return what appeared there."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [str(each) for each in arguments], cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=slave
    ) as process:
        os.close(slave)
        shown = bytearray()
        while process.poll() is None or select.select([master], [], [], 0)[0]:
            if select.select([master], [], [], 0.1)[0]:
                with suppress(OSError):
                    if chunk := os.read(master, 1 << 16):
                        shown += chunk
                        continue
                break
    os.close(master)
    return shown.decode()


@pytest.fixture
def broken(tmp_path: Path, examples: Path) -> Path:
    content = (examples / "models" / "clean.keras").read_bytes()
    (tmp_path / "broken\x1b[2J.keras").write_bytes(content[:9000])
    (tmp_path / "also-broken.keras").write_bytes(content[:9000])
    return tmp_path


def test_progress_is_drawn_on_a_terminal(
    command: Path, broken: Path, environment: Callable[..., dict[str, str]]
) -> None:
    shown = seen_on_terminal([command, "check", "."], broken, environment(TERM="xterm"))

    assert "models" in shown
    assert "0/2" in shown
    assert "\x1b[2J" not in shown


def test_one_model_needs_no_bar_for_the_run(
    command: Path, broken: Path, environment: Callable[..., dict[str, str]]
) -> None:
    shown = seen_on_terminal([command, "check", "also-broken.keras"], broken, environment(TERM="xterm"))

    assert "reading the file" in shown
    assert "models" not in shown


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_progress_keeps_to_what_the_terminal_can_do(
    command: Path, broken: Path, environment: Callable[..., dict[str, str]], environ: dict[str, str]
) -> None:
    shown = seen_on_terminal([command, "check", "."], broken, environment(**environ))

    assert ("TERM", "dumb") not in environ.items() or "" == shown
    assert "\x1b[3" not in shown  # colours
