"""Real processes lock themselves in and then try to get out; none of this runs in pytest's own process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gate
from gate.sandbox import reading, syscalls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

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


def body(script: str) -> str:
    return "def attempt():\n" + "".join(f"    {line}\n" for line in script.splitlines())


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a script in a workspace, beside a model and a secret."""
    for name in ("work", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "mine").write_text("mine")
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "model.h5").write_text("model")

    def start(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-c", PREAMBLE + script],
            cwd=tmp_path / "work",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return start


Run = Callable[[str], Any]

# Each works for a process that is not locked in, as a test below shows.
ESCAPES = {
    "reads the list of users": ("open('/etc/passwd')", "EACCES"),
    "reads a file beside the model": ("secret.read_text()", "EACCES"),
    "reads by way of /proc": ("open('/proc/self/root/etc/passwd')", "EACCES"),
    "reads its own environment": ("open('/proc/self/environ')", "EACCES"),
    "reads its parent's secrets": ("open(f'/proc/{os.getppid()}/environ')", "EACCES"),
    "reads the checkout": (f"os.listdir({str(ROOT)!r})", "EACCES"),
    "lists the root": ("os.listdir('/')", "EACCES"),
    "lists the folder of the model": ("os.listdir('..')", "EACCES"),
    "writes elsewhere": ("open(outside / 'new', 'w')", "EACCES"),
    "writes to a file elsewhere": ("open(secret, 'r+')", "EACCES"),
    "writes to the model": ("open(model, 'r+')", "EACCES"),
    "writes to /tmp": (
        "open(f'/tmp/backdoor-gate-{os.getpid()}', 'x')\nos.unlink(f'/tmp/backdoor-gate-{os.getpid()}')",
        "EACCES",
    ),
    "writes to shared memory": (
        "open(f'/dev/shm/gate-{os.getpid()}', 'x')\nos.unlink(f'/dev/shm/gate-{os.getpid()}')",
        "EACCES",
    ),
    "makes a folder elsewhere": ("(outside / 'new').mkdir()", "EACCES"),
    "deletes elsewhere": ("secret.unlink()", "EACCES"),
    "cuts a file off": ("os.truncate(secret, 0)", "EPERM"),
    "moves a file out": ("Path('mine').rename(outside / 'mine')", "EACCES"),
    "moves a file in": ("secret.rename('new')", "EACCES"),
    "links a file in": ("os.link(secret, 'new')", "EXDEV"),
    "lays a link for the parent": ("os.symlink('/etc/passwd', 'new')", "EACCES"),
    "lays a pipe for the parent": ("os.mkfifo('new')", "EPERM"),
    "opens a TCP socket": ("socket.socket(socket.AF_INET)", "EPERM"),
    "opens a UDP socket": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "EPERM"),
    "opens an IPv6 socket": ("socket.socket(socket.AF_INET6)", "EPERM"),
    "opens a local socket": ("socket.socket(socket.AF_UNIX)", "EPERM"),
    "opens a pair of sockets": ("socket.socketpair(type=socket.SOCK_DGRAM)", "EPERM"),
    "speaks with the kernel's network": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", "EPERM"),
    "becomes another program": (
        "os.execv(sys.executable, [sys.executable, '-c', 'print(\"done\")'])",
        "EPERM",
    ),
    "starts a program": ("subprocess.run(['/bin/true'])", "EPERM"),
    "forks": ("os.fork() or os._exit(0)", "EPERM"),
    "leaves its session": ("subprocess.run(['/bin/true'], start_new_session=True)", "EPERM"),
    "signals its parent": ("os.kill(os.getppid(), 0)", "EPERM"),
    "signals everyone": ("os.kill(0, 0)", "EPERM"),
    "signals a thread of its parent": ("call('tgkill', os.getppid(), os.getppid(), 0)", "EPERM"),
    "holds its parent": ("os.pidfd_open(os.getppid())", "EPERM"),
    "has the kernel signal its parent": ("fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())", "EPERM"),
    "limits its parent": ("resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))", "EPERM"),
    "changes its limits": ("call('prlimit64', 0, resource.RLIMIT_CORE, struct.pack('QQ', 0, 0), 0)", "EPERM"),
    "outlives its parent": ("kernel.prctl(1, 0)", "EPERM"),
    "lets others look": ("kernel.prctl(4, 1)", "EPERM"),
    "changes permissions": ("os.chmod('mine', 0o777)", "EPERM"),
    "changes permissions of an open file": ("file = open('mine')\nos.chmod(file.fileno(), 0o777)", "EPERM"),
    "changes an owner": ("os.chown('mine', os.getuid(), os.getgid())", "EPERM"),
    "changes times": ("os.utime('mine')", "EPERM"),
    "watches files": ("call('inotify_init1', 0)", "EPERM"),
    "hides data in memory": ("os.memfd_create('new')", "EPERM"),
    "takes a name space": ("call('unshare', 0)", "EPERM"),
    "takes too much memory": ("mmap.mmap(-1, 5 << 30)", "ENOMEM"),
    "takes too much memory in Python": ("bytearray(5 << 30)", "MemoryError"),
    "writes too large a file": ("open('mine', 'wb').truncate(2 << 30)", "EFBIG"),
}
# What the tests' own machine may refuse to everyone.
MORE_ESCAPES = {
    "traces its parent": ("call('ptrace', 0x4206, os.getppid(), 0, 0)", "EPERM"),
    "reads its parent's memory": ("call('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0)", "EPERM"),
    "mounts": ("call('mount', 0, 0, 0, 0, 0)", "EPERM"),
    "uses io_uring": ("call('io_uring_setup', 1, ctypes.create_string_buffer(256))", "EPERM"),
    "loads BPF": ("call('bpf', 0, 0, 0)", "EPERM"),
    "watches performance": ("call('perf_event_open', 0, 0, -1, -1, 0)", "EPERM"),
    "reads keys": ("call('keyctl', 0, 0, 0)", "EPERM"),
    "handles page faults": ("call('userfaultfd', 0)", "EPERM"),
    "clones a process": ("call('clone', signal.SIGCHLD, 0, 0, 0, 0)", "EPERM"),
    "clones into a name space": ("call('clone', 0x10000 | 0x20000, 0, 0, 0, 0)", "EPERM"),
    "clones by the new call": ("kernel.syscall(435, 0, 0)", "ENOSYS"),
    "calls what is newer than the list": ("kernel.syscall(451, 0)", "ENOSYS"),
    "calls by x32 numbers": ("kernel.syscall(0x40000000 | 39)", "ENOSYS"),
    "types into a terminal": ("call('ioctl', 0, 0x5412, ctypes.create_string_buffer(1))", "EPERM"),
}


@pytest.mark.parametrize(
    ("script", "error"), (ESCAPES | MORE_ESCAPES).values(), ids=(ESCAPES | MORE_ESCAPES).keys()
)
def test_a_process_that_is_locked_in_cannot_get_out(run: Run, script: str, error: str) -> None:
    done = run(body(script) + "assert not lock_in().missing\n" + ATTEMPT)

    assert (error + "\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize("script", [script for script, _ in ESCAPES.values()], ids=ESCAPES.keys())
def test_what_is_refused_works_for_other_processes(run: Run, script: str) -> None:
    # Its own session, for it signals everyone in its group.
    done = run("os.setsid()\n" + body(script) + ATTEMPT)

    assert ("done\n", "") == (done.stdout, done.stderr)


WORK = {
    "reads the model": "assert 'model' == model.read_text()",
    "works in its workspace": (
        "Path('a/b').mkdir(parents=True)\n"
        "Path('a/new').write_text('new')\n"
        "Path('a/new').rename('a/b/newer')\n"
        "assert ['newer'] == os.listdir('a/b')\n"
        "Path('a/b/newer').unlink()\n"
        "Path('a/b').rmdir()"
    ),
    "starts threads": (
        "heard = []\n"
        "threads = [threading.Thread(target=heard.append, args=(i,)) for i in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "assert 4 == len(heard)"
    ),
    "asks for its limits": "assert (0, 0) == resource.getrlimit(resource.RLIMIT_CORE)",
    "takes the memory that it may": "mmap.mmap(-1, 1 << 30)",
    "signals itself": "os.kill(os.getpid(), 0)",
    "draws random numbers": "assert os.urandom(4) != os.urandom(4)",
    "imports HDF5 and reads and writes it": (
        "import h5py\n"
        "with h5py.File('new.h5', 'w') as file: file['x'] = [1, 2]\n"
        "with h5py.File('new.h5') as file: assert [1, 2] == list(file['x'])"
    ),
    "imports what it has not imported yet": "import json.tool, sqlite3, ssl, PIL.Image, gate.triage.checks",
}


@pytest.mark.parametrize("script", WORK.values(), ids=WORK.keys())
def test_a_scan_can_do_its_work(run: Run, script: str) -> None:
    done = run(body(script) + "assert not lock_in().missing\n" + ATTEMPT)

    assert ("done\n", "") == (done.stdout, done.stderr)


def test_threads_are_locked_in_too(run: Run) -> None:
    done = run(
        "def attempt():\n    print(os.listdir('/'))\n"
        "lock_in()\n"
        f"thread = threading.Thread(target=lambda: exec({ATTEMPT!r}))\n"
        "thread.start(); thread.join()\n"
    )

    assert "EACCES\n" == done.stdout


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

    assert float(done.stdout) < 0.02
