"""What needs no model starts at once: hooks run these commands at every commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stopwatch import cpu_seconds

# Times what the libraries that no command does without take to start: machines differ, and so do days.
LIMIT = 4.0
FLOOR = "import click, numpy, yaml"
HEAVY = (
    "tensorflow",
    "keras",
    "sklearn",
    "scipy",
    "h5py",
    "joblib",
    "PIL",
    "matplotlib",
    "junit_xml",
    "jinja2",
)
LIGHT = [("--help",), ("policy", "check"), ("explain", "BD101"), ("explain",), ("completion", "bash")]

# Runs the command, then tells on its last line which heavy modules it has loaded.
PROBE = f"""
import sys
from gate.cli.main import main
try:
    main()
finally:
    print("LOADED", *(name for name in {HEAVY} if name in sys.modules))
"""


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with a warm bytecode cache, as an installation has, and without measuring tools."""
    cache = str(tmp_path_factory.mktemp("pycache"))
    dropped = ("PYTHONDONTWRITEBYTECODE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"PYTHONPYCACHEPREFIX": cache}


def run(code: str, arguments: tuple[str, ...], environ: dict[str, str], cwd: Path) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout


def best_of_three(code: str, arguments: tuple[str, ...], environ: dict[str, str], cwd: Path) -> float:
    run(code, arguments, environ, cwd)  # fills the bytecode cache
    return min(cpu_seconds(lambda: run(code, arguments, environ, cwd)) for _ in range(3))


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_start_at_once(
    arguments: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    floor = best_of_three(FLOOR, (), environ, tmp_path)

    assert best_of_three(PROBE, arguments, environ, tmp_path) < LIMIT * floor


@pytest.mark.parametrize("arguments", [*LIGHT, ("doctor", "--no-self-test")], ids=" ".join)
def test_light_commands_load_no_heavy_library(
    arguments: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    assert "LOADED" == run(PROBE, arguments, environ, tmp_path).splitlines()[-1]


def test_scanning_loads_no_heavy_library_into_the_gate_itself(
    environ: dict[str, str], tmp_path: Path, examples: Path
) -> None:
    model = str(examples / "models" / "clean.keras")

    assert "LOADED" == run(PROBE, ("check", model, "--static"), environ, tmp_path).splitlines()[-1]


def test_the_probe_sees_a_heavy_library(environ: dict[str, str], tmp_path: Path) -> None:
    assert "LOADED h5py" == run("import h5py\n" + PROBE, ("--help",), environ, tmp_path).splitlines()[-1]


@pytest.mark.slow
def test_the_stopwatch_sees_a_slow_start(environ: dict[str, str], tmp_path: Path) -> None:
    floor = best_of_three(FLOOR, (), environ, tmp_path)
    idle = f"import time\nwhile time.process_time() < {LIMIT * floor}: pass\n"

    assert best_of_three(idle + PROBE, ("--help",), environ, tmp_path) > LIMIT * floor
