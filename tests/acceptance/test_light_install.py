"""The base install, without TensorFlow, checks files statically and admits that it can do no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def needed(name: str, seen: set[str]) -> Iterator[Distribution]:
    """Yield what pip would install for a distribution without extras."""
    if name in seen:
        return
    seen.add(name)
    found = distribution(name)
    yield found
    for requirement in map(Requirement, found.requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name, seen)


def put(place: Path, target: Path) -> None:
    """Copy by hard links where that can be: the sandbox follows no symbolic link out of what it allows."""

    def link(source: str, copy: str) -> None:
        try:
            os.link(source, copy)
        except OSError:
            shutil.copy2(source, copy)

    if place.is_dir():
        shutil.copytree(place, target, copy_function=link, ignore=shutil.ignore_patterns("__pycache__"))
    elif place.is_file():
        link(str(place), str(target))


@pytest.fixture
def light_python(tmp_path: Path) -> Path:
    """An interpreter of a real virtual environment that holds the base dependencies and nothing else."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    site = Path(
        sysconfig.get_path(
            "purelib", vars={"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
        )
    )
    for package in needed("backdoor-gate", set()):
        for top in {file.parts[0] for file in package.files or () if ".." not in file.parts}:
            place = Path(str(package.locate_file(top)))
            if "backdoor_gate" not in top and not (site / top).exists():
                put(place, site / top)
    (site / "gate.pth").write_text(f"{ROOT}\n")
    return tmp_path / "venv" / "bin" / "python"


def check(python: Path, examples: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-P", "-m", "gate", "check", "models/clean.keras", *options],
        cwd=examples,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_scan_is_incomplete_and_names_the_command_that_installs_the_engine(
    light_python: Path, examples: Path
) -> None:
    done = check(light_python, examples)

    assert (3, "") == (done.returncode, done.stderr)
    assert "BD006" in done.stdout
    assert "pip install '.[scan]' in a checkout of the gate" in " ".join(done.stdout.split())


def test_static_checks_work(light_python: Path, examples: Path) -> None:
    done = check(light_python, examples, "--static")

    assert (0, "") == (done.returncode, done.stderr)


def test_the_doctor_says_what_is_missing(light_python: Path, examples: Path) -> None:
    done = subprocess.run(
        [light_python, "-P", "-m", "gate", "doctor"],
        cwd=examples,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (3, "") == (done.returncode, done.stderr)
    assert (
        "FAIL  engine        tensorflow, keras, scikit-learn missing: pip install '.[scan]' in a checkout of the gate"
        in done.stdout
    )
    assert "FAIL  self-test     not possible without the engine" in done.stdout


def test_every_format_is_written_without_the_engine(
    light_python: Path, examples: Path, tmp_path: Path
) -> None:
    formats = ("html", "gitlab", "sarif", "junit", "markdown", "github", "json")

    done = check(
        light_python, examples, "--static", *(f"--output={name}={tmp_path / name}" for name in formats)
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert set(formats) == {file.name for file in tmp_path.iterdir() if file.is_file()} & set(formats)


def test_the_environment_under_test_has_no_tensorflow(light_python: Path) -> None:
    done = subprocess.run([light_python, "-c", "import tensorflow"], capture_output=True, check=False)

    assert sys.executable != str(light_python)
    assert b"No module named 'tensorflow'" in done.stderr
