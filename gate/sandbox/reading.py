"""What the interpreter, its libraries and TensorFlow read, found out by tracing a scan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import gate
from gate.core.job import Job

_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",  # where NixOS keeps all libraries
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/cmdline",  # TensorFlow aborts without it
    "/proc/self/maps",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    # How many processors a container may use: scikit-learn asks, and does not take a refusal.
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)


def engine_paths(search_path: Sequence[str]) -> tuple[Path, ...]:
    """Return the files and folders that a scan reads besides the model and the data set.

    Args:
        search_path: Where Python looks for modules.
    """
    package = Path(gate.__file__).parent
    folders = [Path(entry) for entry in search_path if entry]
    return (
        *(Path(name) for name in _SYSTEM),
        Path(sys.base_prefix, "lib"),
        Path(sys.prefix, "lib"),
        package,
        *(folder for folder in folders if folder != package.parent or _holds_libraries(folder)),
    )


def scan_paths(job: Job) -> tuple[Path, ...]:
    """Return all that this process, which does a job, has to read."""
    data = () if job.data is None else (Path(job.data.readable),)
    base = () if job.base is None else (Path(job.base.file),)
    return (*engine_paths(sys.path), Path(job.file), *base, *data)


def _holds_libraries(folder: Path) -> bool:
    """Return whether packages are installed here; a checkout, where the gate may lie too, holds other things."""
    return any(folder.glob("*.dist-info"))
