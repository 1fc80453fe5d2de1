"""What DVC tracks as a directory or as the product of a pipeline is known by its digests, or is a gap."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.discover.files import from_paths
from gate.discover.git import changed
from gate.discover.selection import Selection
from gate.discover.staging import Staged, stage

_HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(range(100))


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _keep(repo: Any, content: bytes, suffix: str = "", folder: str = ".dvc/cache/files/md5") -> str:
    """Put content where `dvc fetch` does; return its digest."""
    md5 = _md5(content) + suffix
    repo.write(f"{folder}/{md5[:2]}/{md5[2:]}", content)
    return md5


def _listing(*files: tuple[str, str]) -> bytes:
    return json.dumps([{"md5": md5, "relpath": path} for path, md5 in files]).encode()


def _dvc_directory(md5: str) -> bytes:
    return f"outs:\n- md5: {md5}\n  size: 4\n  nfiles: 2\n  hash: md5\n  path: models\n".encode()


def _lock(*outs: tuple[str, str]) -> bytes:
    listed = "".join(f"    - path: {path}\n      hash: md5\n      md5: {md5}\n" for path, md5 in outs)
    return f"schema: '2.0'\nstages:\n  train@big:\n    cmd: make\n    outs:\n{listed}".encode()


def _paths(selection: Selection) -> list[str]:
    return [candidate.path for candidate in selection.candidates]


def _stage(repo: Any, selection: Selection, tmp_path: Path) -> Staged:
    (candidate,) = selection.candidates
    private = tmp_path / "private"
    private.mkdir()
    return stage(candidate, private, 1 << 20, root=repo.top, environ=repo.environ)


@pytest.mark.parametrize("name", ["config", "config.local"])
def test_settings_of_dvc_are_not_read_through_a_link(repo: Any, tmp_path: Path, name: str) -> None:
    """A change can commit the link; what it leads to may be a secret, or have no end."""
    elsewhere = tmp_path / "elsewhere"
    md5 = _md5(_HDF5)
    (elsewhere / md5[:2]).mkdir(parents=True)
    (elsewhere / md5[:2] / md5[2:]).write_bytes(_HDF5)
    (tmp_path / "settings").write_text(f"[cache]\ndir = {elsewhere}\n")
    repo.write("m.h5.dvc", repo.dvc_file(_HDF5, "m.h5"))
    repo.write(".dvc/.gitignore", b"/cache\n")
    (repo.top / ".dvc" / name).symlink_to(tmp_path / "settings")

    found = _stage(repo, from_paths(["."], repo.top), tmp_path)

    assert found.gap is not None
    assert "tracked by DVC" in found.gap.message


@pytest.mark.parametrize("folder", [".dvc/cache/files/md5", ".dvc/cache"])
def test_the_models_of_a_changed_directory_are_selected_by_its_listing(repo: Any, folder: str) -> None:
    base = repo.commit()
    listing = _listing(("a.h5", "0" * 32), ("n/b.keras", "1" * 32), ("readme.md", "2" * 32))
    md5 = _keep(repo, listing, ".dir", folder)
    repo.write(".gitignore", b".dvc\n")
    repo.write("sub/models.dvc", _dvc_directory(md5))
    repo.commit()

    selection = changed(base, repo.top, repo.environ)

    assert ["sub/models/a.h5", "sub/models/n/b.keras"] == _paths(selection)
    assert ["0" * 32, "1" * 32] == [each.tracked.md5 for each in selection.candidates if each.tracked]
    assert repo.top / "sub/models/a.h5" == selection.candidates[0].file


@pytest.mark.parametrize(
    "kept", [None, b"[]", b"not JSON", b'[{"relpath": "../../x.h5", "md5": "0"}]', b'[{"relpath": "x.h5"}]']
)
def test_a_directory_whose_listing_is_missing_or_wrong_stops_the_build(repo: Any, kept: bytes | None) -> None:
    md5 = f"{'0' * 32}.dir" if kept in (None, b"[]") else _keep(repo, kept or b"", ".dir")
    if kept == b"[]":  # another content than its name says
        repo.write(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", kept)
    repo.write("models.dvc", _dvc_directory(md5))

    ((path, gap),) = from_paths(["."], repo.top).gaps

    assert "models/" == path
    assert gap.rule in ("BD001", "BD002")


def test_a_missing_directory_says_how_to_fetch_or_to_exclude_it(repo: Any) -> None:
    repo.write("models.dvc", _dvc_directory(f"{'0' * 32}.dir"))

    ((_, gap),) = from_paths(["models.dvc"], repo.top).gaps

    assert "BD002" == gap.rule
    assert "`dvc pull models.dvc`" in gap.message
    assert "put `models/` under `exclude`" in gap.message


def test_a_pointer_may_list_its_directory_itself(repo: Any) -> None:
    text = (
        b"outs:\n- path: models\n  files:\n  - relpath: a.h5\n    md5: aa\n  - relpath: b.txt\n    md5: bb\n"
    )
    repo.write("models.dvc", text)

    assert ["models/a.h5"] == _paths(from_paths(["models.dvc"], repo.top))


def test_a_lock_stands_for_the_models_that_its_stages_made(repo: Any, tmp_path: Path) -> None:
    base = repo.commit()
    repo.write("sub/dvc.yaml", b"stages: {train: {foreach: [big], do: {wdir: work, cmd: make}}}")
    repo.write("sub/dvc.lock", _lock(("m.h5", _md5(_HDF5)), ("table.csv", "0" * 32)))
    repo.commit()
    repo.write("sub/work/m.h5", _HDF5)

    selection = changed(base, repo.top, repo.environ)

    assert [("sub/work/m.h5", "tracked by sub/dvc.lock")] == [
        (each.path, each.reason) for each in selection.candidates
    ]
    staged = _stage(repo, selection, tmp_path)
    assert hashlib.sha256(_HDF5).hexdigest() == staged.artifact.sha256


def test_a_lock_whose_model_is_another_one_or_not_here_is_a_gap(repo: Any, tmp_path: Path) -> None:
    repo.write("dvc.lock", _lock(("m.h5", _md5(_HDF5))))
    repo.write("m.h5", b"another one")

    staged = _stage(repo, from_paths(["dvc.lock"], repo.top), tmp_path)

    assert staged.gap is not None
    assert ("BD002", ModelFormat.DVC_POINTER) == (staged.gap.rule, staged.artifact.format)


def test_the_first_format_of_a_lock_is_read_too(repo: Any) -> None:
    repo.write("dvc.lock", b"train: {cmd: make, outs: [{path: m.h5, md5: aa}]}\nplot: {cmd: plot}")

    assert ["m.h5"] == _paths(from_paths(["."], repo.top))


@pytest.mark.parametrize(
    "lock",
    [b"[", b"schema: '2.0'", b"schema: '2.0'\nstages: []", b"schema: '2.0'\nstages: {a: {outs: m.h5}}"],
)
def test_a_lock_that_nobody_can_read_stops_the_build(repo: Any, lock: bytes) -> None:
    repo.write("dvc.lock", lock)

    ((path, gap),) = from_paths(["."], repo.top).gaps

    assert ("dvc.lock", "BD001") == (path, gap.rule)


@pytest.mark.parametrize("configured", [False, True])
def test_a_model_that_is_only_in_the_cache_is_scanned(repo: Any, tmp_path: Path, configured: bool) -> None:
    folder = "elsewhere" if configured else ".dvc/cache"
    repo.write(".dvc/config", b"[cache]\n    dir = ../elsewhere\n" if configured else b"[broken")
    repo.write("m.h5.dvc", repo.dvc_file(_HDF5, "m.h5"))
    _keep(repo, _HDF5, folder=f"{folder}/files/md5")
    repo.write("m.h5", b"another one")

    staged = _stage(repo, from_paths(["m.h5.dvc"], repo.top), tmp_path)

    assert hashlib.sha256(_HDF5).hexdigest() == staged.artifact.sha256


def test_a_cache_that_holds_another_content_is_not_believed(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5.dvc", repo.dvc_file(_HDF5, "m.h5"))
    md5 = _md5(_HDF5)
    repo.write(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", b"another one")

    staged = _stage(repo, from_paths(["m.h5.dvc"], repo.top), tmp_path)

    assert staged.gap is not None
    assert "BD002" == staged.gap.rule
