"""The action installs what the lock says, byte for byte, and the lock says all that the package asks for."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

_PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)==([^ ;]+)(?: ; (.+))?")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
# What the lock is for.
MACHINES = [
    {"python_version": version, "python_full_version": f"{version}.9", "platform_machine": machine}
    for version in ("3.11", "3.12", "3.13")
    for machine in ("x86_64", "aarch64")
]
_BACKEND = """
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "gate_of_test-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("gate_of_test.py")
        for file, text in {"METADATA": "Metadata-Version: 2.1\\nName: gate-of-test\\nVersion: 1\\nRequires-Dist: unlocked\\n",
                           "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n", "RECORD": ""}.items():
            wheel.writestr(f"gate_of_test-1.dist-info/{file}", text)
    return name
"""


def _locked(root: Path) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Return name -> (version, marker, hashes) for each of its pins."""
    pins: dict[str, list[tuple[str, str, list[str]]]] = {}
    text = (root / "requirements-lock.txt").read_text()
    statements = text.replace(" \\\n", "\n").splitlines()
    hashes: list[str] = []
    for line in statements:
        if pin := _PIN.fullmatch(line):
            hashes = []
            pins.setdefault(pin[1], []).append((pin[2], pin[3] or "", hashes))
        elif not line.startswith("#"):
            assert _HASH.fullmatch(line), line
            hashes.append(line)
    return pins


def _version(pins: list[tuple[str, str, list[str]]], machine: dict[str, str]) -> str:
    (version,) = {version for version, marker, _ in pins if not marker or Marker(marker).evaluate(machine)}
    return version


@pytest.mark.parametrize("machine", MACHINES, ids=lambda each: " ".join(each.values()))
def test_the_lock_holds_what_the_package_asks_for(root: Path, machine: dict[str, str]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    machine = {**machine, "sys_platform": "linux", "platform_system": "Linux", "extra": ""}
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["scan"]]
    pins = _locked(root)

    for requirement in map(Requirement, [*asked, *project["build-system"]["requires"]]):
        if requirement.marker is None or requirement.marker.evaluate(machine):
            version = _version(pins[requirement.name.lower()], machine)
            assert requirement.specifier.contains(Version(version)), f"{requirement}: {version}"


def test_every_line_of_the_lock_has_hashes_and_no_address(root: Path) -> None:
    pins = _locked(root)

    assert len(pins) > 40
    assert all(hashes for several in pins.values() for _, _, hashes in several)
    assert "://" not in (root / "requirements-lock.txt").read_text()


def test_what_builds_the_gate_is_what_the_lock_was_made_of(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())

    asked = (root / "action/requirements.in").read_text().splitlines()

    assert set(project["build-system"]["requires"]) <= set(asked)


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """An action whose lock names one small wheel, and whose gate is built by a tool of its own."""
    place = tmp_path / "action-checkout"
    shutil.copytree(root / "action", place / "action")
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["unlocked"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "gate-of-test"\nversion = "1"\n'
    )
    (place / "backend.py").write_text(_BACKEND)
    (place / "gate_of_test.py").write_text("import small_of_test\n")
    wheel = tmp_path / "wheels/small_of_test-1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("small_of_test.py", "")
        about = "small_of_test-1.dist-info"
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: small-of-test\nVersion: 1\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (place / "requirements-lock.txt").write_text(f"small-of-test==1 --hash=sha256:{digest}\n")
    return place


def install(checkout: Path) -> subprocess.CompletedProcess[str]:
    temp = checkout.parent
    environ = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(temp),
        "RUNNER_TEMP": str(temp),
        "GITHUB_OUTPUT": str(temp / "output"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(temp / "wheels"),
    }
    command = ["bash", str(checkout / "action/install.sh")]
    return subprocess.run(command, env=environ, cwd=temp, capture_output=True, text=True)


@pytest.mark.slow
def test_the_lock_and_the_action_itself_are_installed_and_nothing_else(checkout: Path) -> None:
    done = install(checkout)

    assert 0 == done.returncode, done.stdout + done.stderr
    python = checkout.parent / "backdoor-gate-venv/bin/python"
    subprocess.run([python, "-I", "-c", "import gate_of_test"], check=True)
    assert f"command={python.parent}/backdoor-gate\n" == (checkout.parent / "output").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [(lambda text: text.replace("256:", "256:0")[:-2], "DO NOT MATCH"), (lambda text: text[:16], "hash")],
    ids=["another content", "no hash"],
)
def test_what_the_lock_does_not_vouch_for_is_not_installed(
    checkout: Path, damage: object, message: str
) -> None:
    assert callable(damage)
    lock = checkout / "requirements-lock.txt"
    lock.write_text(damage(lock.read_text()) + "\n")

    done = install(checkout)

    assert 0 != done.returncode
    assert message in done.stdout + done.stderr
    assert not (checkout.parent / "backdoor-gate-venv/installed").exists()
