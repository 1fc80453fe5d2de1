"""Real processes, started afresh and forked, lock themselves in and then try to get out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

ROOT = Path(gate.__file__).parents[1]

Run = Callable[[str], subprocess.CompletedProcess[str]]
Attempt = Callable[..., str]
LOCKED = "assert not lock_in().missing"

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
def test_a_process_that_is_locked_in_cannot_get_out(
    run: Run, attempt: Attempt, script: str, error: str
) -> None:
    done = run(attempt(script, LOCKED))

    assert (error + "\n", "") == (done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("script", [script for script, _ in ESCAPES.values()], ids=ESCAPES.keys())
def test_what_is_refused_works_for_other_processes(run_fresh: Run, attempt: Attempt, script: str) -> None:
    # Its own session, for it signals everyone in its group.
    done = run_fresh(attempt(script, "os.setsid()"))

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
def test_a_scan_can_do_its_work(run: Run, attempt: Attempt, script: str) -> None:
    done = run(attempt(script, LOCKED))

    assert ("done\n", "") == (done.stdout, done.stderr)
