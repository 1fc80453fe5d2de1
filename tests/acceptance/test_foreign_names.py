"""A model counts whatever it is called: one that runs code is found under every name, however it is selected."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

Cli = Callable[..., Any]
Check = Callable[..., tuple[int, dict[str, dict[str, Any]]]]

DIFF, STAGED, ALL = ("--diff", "main"), ("--staged",), (".",)


@pytest.fixture
def check(cli: Cli, repo: Any) -> Check:
    """Check what a commit adds to the main branch; return the exit code, and the models of the report by their path."""

    def run(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        repo.git("add", "-A")
        said = ("check", *arguments, "--static", "--output", "json=../r.json")
        outcome = cli(*said, cwd=repo.top, environ=repo.environ)
        report = json.loads((repo.top.parent / "r.json").read_text())
        return outcome.code, {entry["path"]: entry for entry in report["artifacts"]}

    return run


def ordinary(folder: Path) -> None:
    """Files of other programs that are HDF5 or zip."""
    with h5py.File(folder / "climate.nc", "w") as file:
        file.attrs["title"] = "soil"
        file["temperature"] = [1.0, 2.0]
    with zipfile.ZipFile(folder / "paper.docx", "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")


@pytest.mark.parametrize(
    ("way", "name"), [(DIFF, "weights.bin"), (STAGED, "model"), (ALL, "model.h5.bak")], ids=str
)
def test_hdf5_under_any_name_is_scanned(
    check: Check, repo: Any, lambda_model: tuple[Path, Path], way: tuple[str, ...], name: str
) -> None:
    model, marker = lambda_model
    ordinary(repo.top)
    shutil.copy(model, repo.top / name)

    code, models = check(*way)

    assert (1, [name]) == (code, list(models))
    assert "BD201" in {finding["rule"] for finding in models[name]["findings"]}
    assert not marker.exists()


def test_an_archive_under_any_name_is_scanned(check: Check, repo: Any, examples: Path) -> None:
    ordinary(repo.top)
    shutil.copy(examples / "models/clean.keras", repo.top / "data.dat")

    code, models = check(*STAGED)

    assert (0, ["data.dat"]) == (code, list(models))
    assert ("pass", "keras") == (models["data.dat"]["verdict"], models["data.dat"]["format"])


def test_files_of_other_programs_alone_are_no_models(check: Check, repo: Any) -> None:
    ordinary(repo.top)

    assert (0, {}) == check(*DIFF)


@pytest.mark.parametrize(
    ("folder", "way"),
    [
        ("signs.keras/", DIFF),
        ("signs.keras/", STAGED),
        ("signs.keras/", ("signs.keras",)),
        ("signs/", DIFF),
        ("signs/", ("signs/config.json",)),
    ],
    ids=str,
)
def test_a_model_stored_as_a_directory_is_incomplete_if_only_its_configuration_changes(
    check: Check, repo: Any, examples: Path, folder: str, way: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(examples / "models/clean.keras") as file:
        file.extractall(repo.top / folder)
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "unpacked")
    repo.git("switch", "-q", "-c", "change")
    config = repo.top / folder / "config.json"
    config.write_text(config.read_text().replace('"relu"', '"gelu"'))

    code, models = check(*way)

    ((path, entry),) = models.items()
    assert (3, f"{folder}model.weights.h5", "incomplete") == (code, path, entry["verdict"])
    assert "stored as a directory, which cannot be scanned" in str(entry["not_checked"])
