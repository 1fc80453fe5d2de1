"""A model that Keras saved as a directory is selected whichever of its files is changed, and never scanned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.discover.files import from_list, from_paths
from gate.discover.git import changed, staged
from gate.discover.selection import Selection
from gate.discover.staging import stage

PARTS = ("config.json", "metadata.json", "model.weights.h5")
FOLDERS = ("signs.keras/", "models/signs/", "")


def _unpack(repo: Any, folder: str, weights: str = "model.weights.h5") -> None:
    for name in ("config.json", "metadata.json", weights, "assets/words/vocabulary.txt"):
        repo.write(folder + name, b"old")
    repo.write("tsconfig.json", b"old")
    repo.write("web/config.json", b"old")


def _selected(selection: Selection) -> list[tuple[str, bool]]:
    return [(candidate.path, candidate.is_unpacked) for candidate in selection.candidates]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("weights", ["model.weights.h5", "model.weights.npz"])
@pytest.mark.parametrize("part", ["config.json", "metadata.json", "assets/words/vocabulary.txt", "WEIGHTS"])
def test_every_part_selects_the_model(repo: Any, folder: str, weights: str, part: str) -> None:
    _unpack(repo, folder, weights)
    base = repo.commit()
    repo.write(folder + part.replace("WEIGHTS", weights), b"new")
    repo.write("web/config.json", b"new")
    repo.write("tsconfig.json", b"new")
    repo.git("add", "-A")

    expected = [(folder + weights, True)]
    assert expected == _selected(staged(repo.top, repo.environ))
    repo.commit()
    assert expected == _selected(changed(base, repo.top, repo.environ))
    assert expected == _selected(from_list((folder + part.replace("WEIGHTS", weights)).encode(), repo.top))


@pytest.mark.parametrize("weights", [".dvc", "untracked"])
def test_weights_may_be_kept_elsewhere(repo: Any, weights: str) -> None:
    repo.write("m/config.json", b"old")
    repo.write(".gitignore", b"m/model.weights.h5\n")
    if weights == "untracked":
        repo.write("m/model.weights.h5", b"x")
    else:
        repo.write("m/model.weights.h5.dvc", repo.dvc_file(b"x", "model.weights.h5"))
    base = repo.commit()
    repo.write("m/config.json", b"new")

    assert [("m/model.weights.h5", True)] == _selected(changed(base, repo.top, repo.environ))


def test_a_folder_called_like_an_archive_is_one_without_weights_too(repo: Any) -> None:
    repo.write("m.keras/config.json", b"x")
    repo.write(".keras/config.json", b"settings of Keras itself")
    repo.git("add", "-A")

    (candidate,) = staged(repo.top, repo.environ).candidates

    assert ("m.keras/model.weights.h5", True) == (candidate.path, candidate.is_unpacked)


def test_weights_alone_are_what_they_were(repo: Any, tmp_path: Path) -> None:
    repo.write("model.weights.h5", b"x")
    repo.git("add", "-A")

    assert [("model.weights.h5", False)] == _selected(staged(repo.top, repo.environ))
    assert [("model.weights.h5", False)] == _selected(from_paths(["."], repo.top))


@pytest.mark.parametrize("name", ["m", "m/*", "m/config.json", "m/model.weights.h5", "."])
def test_paths_and_patterns_mean_the_one_model(repo: Any, name: str) -> None:
    _unpack(repo, "m/")

    assert [("m/model.weights.h5", True)] == _selected(from_paths([name], repo.top))


def test_a_whole_model_in_the_place_of_the_weights_does_not_hide_the_configuration(
    repo: Any, tmp_path: Path
) -> None:
    """HDF5 holds what Keras 2 and Keras 3 read side by side, and Keras builds what config.json says."""
    _unpack(repo, "m/")
    (candidate,) = from_paths(["m"], repo.top).candidates
    (tmp_path / "private").mkdir()

    found = stage(candidate, tmp_path / "private", 1 << 20, root=repo.top, environ=repo.environ)

    assert found.gap is not None
    assert ("BD003", "") == (found.gap.rule, found.artifact.sha256)
    assert "stored as a directory, which cannot be scanned" in found.gap.message
