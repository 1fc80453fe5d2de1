"""The trial that `doctor` makes tells the truth about the sandbox, and leaves its caller as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gate.sandbox import probe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

ROOT = Path(probe.__file__).parents[2]


def test_a_trial_says_what_is_in_force_and_how_long_it_took() -> None:
    found = probe.probe()

    assert (True, ()) == (found.confinement.seccomp, found.confinement.missing)
    assert found.confinement.landlock_abi >= 1
    assert 0 < found.milliseconds < 1000
    assert () == found.leaks


def test_a_trial_leaves_its_caller_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    probe.probe()

    assert Path("/etc/passwd").read_text()
    assert 0 == subprocess.run([sys.executable, "-c", ""], check=False).returncode
    assert [] == list(tmp_path.iterdir())


# The same trial where the gate believes to be locked in, and is not.
BROKEN = """
import sys
sys.path.append({root!r})
from gate.core.confinement import Confinement
from gate.sandbox import probe
probe.confine = lambda **_: Confinement(landlock_abi=7, seccomp=True)
probe.main()
"""


def test_a_sandbox_that_refuses_nothing_leaks(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    told = subprocess.run(
        [sys.executable, "-c", BROKEN.format(root=str(ROOT))],
        cwd=tmp_path / "work",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    leaks = ["list a folder", "write a file", "open a socket", "start a process", "signal another process"]
    assert all(leak in told for leak in leaks)


@pytest.mark.parametrize("interpreter", ["/nowhere/python", "/bin/true", "/bin/false"])
def test_a_trial_that_fails_is_no_sandbox(interpreter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)

    found = probe.probe()

    assert str(found.confinement).startswith("none: no sandbox (a trial of it failed: ")
    assert 0 == found.milliseconds
