from __future__ import annotations

import hashlib
import os
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.report import Gap
from gate.discover.files import from_paths
from gate.discover.git import changed, staged
from gate.discover.selection import Candidate
from gate.discover.staging import Staged, stage

_HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(range(100))
_ZIP = b"PK\x03\x04" + bytes(range(100))
_LIMIT = 1 << 20


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stage(candidate: Candidate, repo: Any, tmp_path: Path, max_bytes: int = _LIMIT) -> Staged:
    directory = tmp_path / "private"
    directory.mkdir()
    result = stage(candidate, directory, max_bytes, root=repo.top, environ=repo.environ)
    assert list(directory.iterdir()) == ([result.file] if result.file else [])
    return result


def _stage_named(name: str, repo: Any, tmp_path: Path, max_bytes: int = _LIMIT) -> Staged:
    (candidate,) = from_paths([name], repo.top).candidates
    return _stage(candidate, repo, tmp_path, max_bytes)


def _stage_index(repo: Any, tmp_path: Path, max_bytes: int = _LIMIT) -> Staged:
    (candidate,) = staged(repo.top, repo.environ).candidates
    return _stage(candidate, repo, tmp_path, max_bytes)


@pytest.mark.parametrize(
    ("name", "content", "kind", "copy"),
    [
        ("m.h5", _HDF5, ModelFormat.HDF5, "model.h5"),
        ("m.HDF5", _HDF5, ModelFormat.HDF5, "model.h5"),
        ("any name", _HDF5, ModelFormat.HDF5, "model.h5"),
        ("m.keras", _ZIP, ModelFormat.KERAS_ZIP, "model.keras"),
        ("m.zip", _ZIP, ModelFormat.KERAS_ZIP, "model.keras"),
        ("m.h5", b"#!/bin/sh".ljust(512) + _HDF5, ModelFormat.HDF5, "model.h5"),
        ("m.h5", b"#!/bin/sh".ljust(4096) + _HDF5, ModelFormat.HDF5, "model.h5"),
        (
            "m.keras",
            b"#!/bin/sh".ljust(600) + _ZIP + b"PK\5\6".ljust(22, b"\0"),
            ModelFormat.KERAS_ZIP,
            "model.keras",
        ),
        ("sm/saved_model.pb", b"\x08\x01", ModelFormat.TENSORFLOW_GRAPH, "model.pb"),
        ("frozen.PB", b"\n\0", ModelFormat.TENSORFLOW_GRAPH, "model.pb"),
    ],
)
def test_a_model_is_copied_and_named_by_its_content(
    repo: Any, tmp_path: Path, name: str, content: bytes, kind: ModelFormat, copy: str
) -> None:
    repo.write(name, content)

    result = _stage_named(name, repo, tmp_path)

    assert Artifact(path=name, sha256=_sha256(content), size=len(content), format=kind) == result.artifact
    assert (tmp_path / "private" / copy, None) == (result.file, result.gap)
    assert content == result.file.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "kind", "rule", "message"),
    [
        ("a/m.keras", _HDF5, ModelFormat.HDF5, "BD001", "Rename it to 'm.h5'"),
        ("a/m.h5", _ZIP, ModelFormat.KERAS_ZIP, "BD001", "Rename it to 'm.keras'"),
        ("m.h5", b"", ModelFormat.UNKNOWN, "BD001", "an empty file"),
        ("m.h5", b"hello\n", ModelFormat.UNKNOWN, "BD001", "received text that begins with b'hello\\n'"),
        (
            "m.h5",
            b"\0\x1b[2J",
            ModelFormat.UNKNOWN,
            "BD001",
            "received binary data that begins with b'\\x00\\x1b[2J'",
        ),
        (
            "sm/saved_model.pbtxt",
            b"meta_graphs {\n",
            ModelFormat.UNKNOWN,
            "BD003",
            "save it with `model.save('model.keras')`",
        ),
    ],
)
def test_what_cannot_be_scanned_says_why_and_what_to_do(
    repo: Any, tmp_path: Path, name: str, content: bytes, kind: ModelFormat, rule: str, message: str
) -> None:
    repo.write(name, content)

    result = _stage_named(name, repo, tmp_path)

    assert Artifact(path=name, sha256=_sha256(content), size=len(content), format=kind) == result.artifact
    assert rule == result.gap.rule
    assert result.gap.message.startswith(f"{name}: ")
    assert message in result.gap.message


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _link(place: Path) -> None:
    place.symlink_to("elsewhere")


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(place))


@pytest.mark.parametrize(
    ("make", "rule", "message"),
    [
        (Path.mkdir, "BD001", "received a directory"),
        (_pipe, "BD001", "received a named pipe"),
        (_link, "BD003", "received a symbolic link, which is not followed"),
        (_socket, "BD001", "cannot be opened: No such device or address"),
        (lambda place: None, "BD001", "cannot be opened: No such file or directory. Restore the file"),
    ],
)
def test_only_regular_files_are_read(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, rule: str, message: str
) -> None:
    monkeypatch.chdir(repo.top)  # the address of a socket is short
    make(repo.top / "m.h5")

    result = _stage(Candidate(path="m.h5", file=repo.top / "m.h5"), repo, tmp_path)

    assert Artifact(path="m.h5", sha256="", size=0, format=ModelFormat.UNKNOWN) == result.artifact
    assert rule == result.gap.rule
    assert message in result.gap.message


def test_a_file_that_may_not_be_read_says_so(as_stranger: Path) -> None:
    file = as_stranger / "m.h5"
    file.touch(mode=0)

    result = stage(Candidate(path="m.h5", file=file), as_stranger, _LIMIT, root=as_stranger, environ={})

    assert "BD001" == result.gap.rule
    assert "Permission denied. Let the user" in result.gap.message


def test_a_model_past_the_limit_is_refused_before_it_is_read(repo: Any, tmp_path: Path) -> None:
    with repo.write("m.h5", _HDF5).open("r+b") as stream:
        stream.truncate(1 << 40)

    gap = _stage_named("m.h5", repo, tmp_path).gap

    assert ("BD004", f"m.h5: expected at most {_LIMIT} bytes, received {1 << 40}.") == (
        gap.rule,
        gap.message.split(" Raise")[0],
    )


def test_a_file_that_is_larger_than_it_says_is_cut_off(repo: Any, tmp_path: Path) -> None:
    candidate = Candidate(
        path="m.h5", file=Path("/proc/self/maps")
    )  # regular, and 0 bytes by its own account

    assert "expected at most 10 bytes, received 11." in _stage(candidate, repo, tmp_path, 10).gap.message


def test_a_full_disk_is_a_gap(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", _HDF5)
    (tmp_path / "private").mkdir()
    (tmp_path / "private/model").symlink_to("/dev/full")
    (candidate,) = from_paths(["m.h5"], repo.top).candidates

    result = stage(candidate, tmp_path / "private", _LIMIT, root=repo.top, environ=repo.environ)

    assert "BD004" == result.gap.rule
    assert "cannot be copied for the scan: No space left on device" in result.gap.message


def test_the_index_is_copied_not_the_working_tree(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", _HDF5)
    repo.git("add", "-A")
    repo.write("m.h5", b"edited since")

    result = _stage_index(repo, tmp_path)

    assert _sha256(_HDF5) == result.artifact.sha256
    assert _HDF5 == result.file.read_bytes()


def test_the_limit_holds_for_the_index(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", _HDF5)
    repo.git("add", "-A")

    assert "BD004" == _stage_index(repo, tmp_path, 10).gap.rule


def test_an_lfs_pointer_without_its_object_is_a_gap(repo: Any, tmp_path: Path) -> None:
    pointer = repo.lfs_pointer(_HDF5)
    repo.write("m.h5", pointer)

    result = _stage_named("m.h5", repo, tmp_path)

    assert (
        Artifact(path="m.h5", sha256=_sha256(pointer), size=len(pointer), format=ModelFormat.LFS_POINTER)
        == result.artifact
    )
    assert "BD002" == result.gap.rule
    assert _sha256(_HDF5) in result.gap.message
    assert "`git lfs pull --include m.h5`" in result.gap.message


@pytest.mark.parametrize("is_staged", [False, True])
def test_an_lfs_object_that_was_fetched_is_scanned(repo: Any, tmp_path: Path, is_staged: bool) -> None:
    base = repo.commit()
    repo.write("m.h5", repo.lfs_pointer(_HDF5))
    repo.keep_lfs_object(_HDF5)
    repo.git("add", "-A")
    select = staged if is_staged else lambda *arguments: changed(base, *arguments)
    (candidate,) = select(repo.top, repo.environ).candidates

    result = _stage(candidate, repo, tmp_path)

    assert (_sha256(_HDF5), ModelFormat.HDF5) == (result.artifact.sha256, result.artifact.format)
    assert _HDF5 == result.file.read_bytes()


def test_the_working_tree_holds_the_object_of_a_staged_pointer(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", repo.lfs_pointer(_HDF5))
    repo.git("add", "-A")
    repo.write("m.h5", _HDF5)

    assert _HDF5 == _stage_index(repo, tmp_path).file.read_bytes()


def test_an_object_with_another_digest_is_not_taken(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", repo.lfs_pointer(_HDF5))
    repo.git("add", "-A")
    repo.write("m.h5", _HDF5 + b"edited since")
    repo.keep_lfs_object(_HDF5).write_bytes(_HDF5 + b"damaged")

    assert "BD002" == _stage_index(repo, tmp_path).gap.rule


def test_an_lfs_object_past_the_limit_or_in_no_repository_is_a_gap(repo: Any, tmp_path: Path) -> None:
    pointer = repo.lfs_pointer(_HDF5 * 10)
    file = tmp_path / "m.h5"
    file.write_bytes(pointer)
    candidate = Candidate(path="m.h5", file=file)

    large = stage(candidate, tmp_path, len(pointer), root=repo.top, environ=repo.environ)
    homeless = stage(candidate, tmp_path, _LIMIT, root=tmp_path, environ=repo.environ)

    assert ("BD004", ModelFormat.LFS_POINTER) == (large.gap.rule, large.artifact.format)
    assert "BD002" == homeless.gap.rule


def test_a_pointer_to_a_pointer_is_no_model(repo: Any, tmp_path: Path) -> None:
    inner = repo.lfs_pointer(_HDF5)
    repo.write("m.h5", repo.lfs_pointer(inner))
    repo.keep_lfs_object(inner)

    assert "BD001" == _stage_named("m.h5", repo, tmp_path).gap.rule


@pytest.mark.parametrize("is_link", [False, True])
def test_a_model_that_dvc_tracks_is_scanned_if_it_is_the_one_committed(
    repo: Any, tmp_path: Path, is_link: bool
) -> None:
    repo.write("m.h5.dvc", repo.dvc_file(_HDF5, "m.h5"))
    file = repo.write("cache" if is_link else "m.h5", _HDF5)
    if is_link:
        (repo.top / "m.h5").symlink_to(file)

    result = _stage_named("m.h5.dvc", repo, tmp_path)

    assert ("m.h5", _sha256(_HDF5)) == (result.artifact.path, result.artifact.sha256)
    assert _HDF5 == result.file.read_bytes()


@pytest.mark.parametrize("content", [None, b"another model"])
def test_a_model_that_dvc_tracks_and_is_not_here_is_a_gap(
    repo: Any, tmp_path: Path, content: bytes | None
) -> None:
    pointer = repo.dvc_file(_HDF5, "m.h5")
    repo.write("m.h5.dvc", pointer)
    if content:
        repo.write("m.h5", content)

    result = _stage_named("m.h5.dvc", repo, tmp_path)

    assert (
        Artifact(path="m.h5", sha256=_sha256(pointer), size=len(pointer), format=ModelFormat.DVC_POINTER)
        == result.artifact
    )
    assert "BD002" == result.gap.rule
    assert "`dvc pull m.h5.dvc`" in result.gap.message


def test_the_model_of_the_index_must_be_the_one_that_dvc_tracks(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", _HDF5 + b"swapped")
    repo.write("z.dvc", repo.dvc_file(_HDF5, "m.h5"))
    repo.git("add", "-A")
    repo.write("m.h5", _HDF5)

    assert "BD002" == _stage_index(repo, tmp_path).gap.rule


@pytest.mark.parametrize("path", ["n" * 300 + ".h5", '"\\0.h5"', "../gone.h5"])
def test_a_hostile_path_in_a_dvc_file_is_a_gap(repo: Any, tmp_path: Path, path: str) -> None:
    repo.write("m.dvc", f"outs: [{{path: {path}, md5: 0a}}]".encode())

    assert "BD002" == _stage_named("m.dvc", repo, tmp_path).gap.rule


def test_a_real_archive_is_staged(repo: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(repo.top / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")

    result = _stage_named("m.keras", repo, tmp_path)

    assert zipfile.is_zipfile(result.file)


def test_a_result_has_either_a_file_or_a_gap() -> None:
    artifact = Artifact(path="m.h5", sha256="", size=0, format=ModelFormat.UNKNOWN)

    with pytest.raises(ValueError, match="either a file or a gap"):
        Staged(artifact=artifact)
    with pytest.raises(ValueError, match="either a file or a gap"):
        Staged(artifact=artifact, file=Path("m"), gap=Gap(rule="BD001", message="x"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("m.h5", ModelFormat.HDF5),
        ("m.HDF5", ModelFormat.HDF5),
        ("m.keras", ModelFormat.KERAS_ZIP),
        ("m", None),
    ],
)
def test_a_pointer_promises_a_model_of_the_kind_that_its_name_says(
    repo: Any, tmp_path: Path, name: str, kind: ModelFormat | None
) -> None:
    repo.write(name, repo.lfs_pointer(_HDF5))

    promised = _stage_named(name, repo, tmp_path).promised

    expected = kind and Artifact(path=name, sha256=_sha256(_HDF5), size=len(_HDF5), format=kind)
    assert expected == promised


def test_a_damaged_pointer_promises_nothing(repo: Any, tmp_path: Path) -> None:
    repo.write("m.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")

    assert None is _stage_named("m.h5", repo, tmp_path).promised
