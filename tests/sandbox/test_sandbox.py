"""What a process that is locked in may do, what it says of it, and the tables behind it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gate
from gate.sandbox import reading, syscalls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

ROOT = Path(gate.__file__).parents[1]

Run = Callable[[str], subprocess.CompletedProcess[str]]


def test_threads_are_locked_in_too(run: Run) -> None:
    done = run(
        "lock_in()\n"
        "def look():\n"
        "    try: print(os.listdir('/'))\n"
        "    except PermissionError: print('refused')\n"
        "thread = threading.Thread(target=look)\n"
        "thread.start(); thread.join()\n"
    )

    assert "refused\n" == done.stdout


def test_a_crash_is_seen_as_one(run: Run) -> None:
    assert -signal.SIGABRT == run("lock_in(); os.abort()").returncode


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the other mode of x86-64")
def test_calls_in_32_bit_mode_end_the_process(run: Run) -> None:
    # mov eax, 20 (getpid); int 0x80; ret
    done = run(
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))\n"
        "code = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        "lock_in(); code()"
    )

    assert -signal.SIGSYS == done.returncode


def test_every_call_of_the_list_is_refused(run: Run) -> None:
    done = run(
        "lock_in()\n"
        "def error_of(number):\n"
        "    try: kernel.syscall(number, -1, -1, -1, -1, -1)\n"
        "    except OSError as error: return error.errno\n"
        "print(json.dumps({name: error_of(number) for name, number in calls.refused.items()}))"
    )

    assert {1} == set(json.loads(done.stdout).values())


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    architecture = syscalls.of(machine)

    assert architecture is not None
    numbers = {**architecture.refused, **architecture.unknown, **architecture.by_argument}
    # Some headers guard a call that not every processor has.
    assert numbers == {name: int(n) for name, n in defined if name in numbers}
    assert max(numbers.values()) < syscalls.FIRST_UNKNOWN


MISSING = {
    "an old kernel": ("refuse(444, errno.ENOSYS)", "seccomp; no Landlock (this kernel has none)"),
    "Landlock switched off": (
        "refuse(444, errno.EOPNOTSUPP)",
        "seccomp; no Landlock (it is switched off on this kernel)",
    ),
    "no right to Landlock": ("refuse(446, errno.EPERM)", "seccomp; no Landlock (operation not permitted)"),
    "threads before": (
        "threading.Thread(target=select.select, args=([], [], [], 60), daemon=True).start()",
        "seccomp; no Landlock (2 threads are running already)",
    ),
    "no filters": (
        # prctl, and its first argument says that a filter is to come
        "kernel.prctl(38, 1)\n"
        "seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 3, calls.by_argument['prctl']), (0x20, 0, 0, 16),"
        " (0x15, 0, 1, 22), (6, 0, 0, 0x50000 | errno.EINVAL), (6, 0, 0, 0x7FFF0000)])",
        "no seccomp (this kernel has none)",
    ),
    "an unknown processor": ("seccomp.of = {}.get", "no seccomp (no list of system calls for "),
    "another system": ("sys.platform = 'darwin'", "none: no Landlock and no seccomp on darwin"),
}


@pytest.mark.parametrize(("before", "told"), MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_is_said(run: Run, before: str, told: str) -> None:
    done = run(f"{before}\nfound = lock_in()\nassert found.missing\nprint(found)")

    assert told in done.stdout, done.stderr


def test_a_checkout_that_holds_the_gate_is_not_readable_but_for_the_gate() -> None:
    paths = reading.engine_paths([str(ROOT), sys.prefix, ""])

    assert ROOT / "gate" in paths
    assert Path(sys.prefix) in paths
    # Where packages are installed beside the gate, its folder is a library like others.
    assert any(ROOT.glob("*.dist-info")) == (ROOT in paths)


def test_a_folder_of_packages_is_readable_though_the_gate_lies_in_it(run: Run) -> None:
    done = run(
        "from gate.sandbox import reading\n"
        "Path('library-1.0.dist-info').mkdir()\n"
        "reading.gate.__file__ = str(Path('gate/__init__.py').absolute())\n"
        "print(Path.cwd() in reading.engine_paths([os.getcwd()]))"
    )

    assert "True\n" == done.stdout


def test_a_lower_limit_stays(run: Run) -> None:
    done = run(
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "lock_in(); print(resource.getrlimit(resource.RLIMIT_AS)[1] == 3 << 30)"
    )

    assert "True\n" == done.stdout


def test_it_takes_milliseconds(run: Run) -> None:
    done = run("import time\nstarted = time.thread_time()\nlock_in()\nprint(time.thread_time() - started)")

    assert float(done.stdout) < 0.1
