"""Without a network everything works: nothing is fetched, and nobody is told."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Environment = Callable[..., dict[str, str]]


@pytest.fixture
def cut_off() -> list[str]:
    """Return the command in front of another that takes every network from it, the loopback as well."""
    prefix = [shutil.which("unshare") or "", "--user", "--map-root-user", "--net"]
    tried = prefix[0] and subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
    if not tried:
        pytest.skip("needs unshare (util-linux), and a kernel that lets users make namespaces")
    return prefix


def test_nothing_can_be_reached(cut_off: list[str], environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reach = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]
        codes = [
            subprocess.run([*prefix, *reach], check=False, capture_output=True, env=environment()).returncode
            for prefix in ([], cut_off)
        ]

    assert [0, 1] == codes


@pytest.mark.slow
def test_a_scan_needs_no_network(
    cut_off: list[str], command: Path, environment: Environment, tmp_path: Path, tiny_model: Path
) -> None:
    outputs = [f"--output={name}={name}.out" for name in ("json", "html", "sarif", "junit", "attestation")]
    scan = [command, "check", tiny_model.name, "--input-range=0,1", *outputs]

    done = subprocess.run(
        [*cut_off, *scan],
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path / "home")),
        check=False,
        capture_output=True,
        text=True,
    )

    (entry,) = json.loads((tmp_path / "json.out").read_text())["artifacts"]
    assert (0, "pass", "") == (done.returncode, entry["verdict"], done.stderr), done.stdout
    assert "measured" in {each["status"] for each in entry["evidence"]}
