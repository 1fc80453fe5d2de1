"""The image: what a linter says of its Dockerfile, and what its build steps do on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    return (root / "Dockerfile").read_text()


def test_hadolint_has_nothing_to_say(root: Path, tool: Callable[[str], str]) -> None:
    subprocess.run([tool("hadolint"), root / "Dockerfile"], check=True)


def test_every_stage_names_an_exact_python(dockerfile: str) -> None:
    images = re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)

    assert 1 == len(set(images))
    assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", images[0])


def test_the_gate_does_not_run_as_root(dockerfile: str) -> None:
    last_stage = dockerfile.rpartition("FROM ")[2]

    assert re.search(r"^USER [1-9]\d*$", last_stage, flags=re.MULTILINE)


def test_the_build_sees_only_what_it_copies(dockerfile: str, root: Path) -> None:
    wanted = {
        name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, flags=re.M) for name in line.split()
    }
    seen = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert wanted == seen


@pytest.mark.slow
def test_the_build_steps_install_a_gate_that_starts(dockerfile: str, root: Path, tmp_path: Path) -> None:
    build_stage = dockerfile.partition("ENTRYPOINT")[0].split("\nFROM ")[1]
    run = re.search(r"^RUN ((?:.*\\\n)*.*)$", build_stage, flags=re.MULTILINE)
    assert run is not None
    for name in ("gate", "policies", "examples"):
        shutil.copytree(root / name, tmp_path / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tmp_path)
    place = tmp_path / "opt"

    steps = (
        run[1]
        .replace("/opt/backdoor-gate", str(place))
        .replace("python -m venv", f"{sys.executable} -m venv")
    )
    subprocess.run(["sh", "-euc", steps], cwd=tmp_path, check=True)

    subprocess.run([place / "bin/backdoor-gate", "--version"], cwd="/", check=True)
