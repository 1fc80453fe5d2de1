"""Models are known by their bytes, and what only looks like one is left alone."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from gate.core.errors import IncompleteError
from gate.discover import content
from gate.discover.blobs import looks
from gate.discover.content import Look, holds_model, look
from gate.discover.files import from_list, from_paths
from gate.discover.git import changed, staged
from gate.discover.selection import Selection

Fill = Callable[[h5py.File], None]


def hdf5(fill: Fill, **options: Any) -> bytes:
    target = io.BytesIO()
    with h5py.File(target, "w", **options) as file:
        fill(file)
    return target.getvalue()


def archive(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in names:
            file.writestr(name, name)
    return target.getvalue()


def whole(file: h5py.File) -> None:
    file.attrs["model_config"] = '{"class_name": "Sequential"}'


def huge(file: h5py.File) -> None:
    file.attrs.create("model_config", np.array("x" * 100_000, dtype="S100000"))


def crowded(file: h5py.File) -> None:
    """So many attributes that they are stored in a heap."""
    for number in range(40):
        file.attrs[f"a{number}"] = number
    whole(file)


def weights(file: h5py.File) -> None:
    file.attrs["layer_names"] = [b"dense"]
    file.create_group("dense").attrs["weight_names"] = [b"dense/kernel:0"]


def many_weights(file: h5py.File) -> None:
    file.attrs["layer_names0"] = [b"dense"]
    file.create_group("dense").attrs["weight_names0"] = [b"dense/kernel:0"]


def climate(file: h5py.File) -> None:
    """Measurements of the ground, whose history speaks of models."""
    file.attrs["history"] = np.bytes_(b"made by model_config\0 and layer_names\0 and weight_names\0.")
    file.attrs["layer_names"] = [b"topsoil"]
    file.attrs["model_configuration"] = "v2"
    file["notes"] = np.frombuffer(b"\x03\0\x0d\0model_config\0" * 9, np.uint8)
    file["model_weights"] = np.zeros(3)


MODELS = {
    "whole": hdf5(whole),
    "whole, newest layout": hdf5(whole, libver="latest"),
    "huge configuration": hdf5(huge, libver="latest"),
    "many attributes": hdf5(crowded, libver="latest"),
    "behind a user block": hdf5(whole, userblock_size=1024),
    "behind a larger one": hdf5(whole, userblock_size=4096),
    "weights of Keras 2": hdf5(weights),
    "weights of many layers": hdf5(many_weights, libver="v110"),
    "archive": archive("metadata.json", "config.json", "model.weights.h5"),
    "archive of numpy weights": archive("config.json", "model.weights.npz", "metadata.json"),
}
OTHERS = {
    "nothing": b"",
    "text": b"model_config\0",
    "climate": hdf5(climate),
    "climate, newest layout": hdf5(climate, libver="latest"),
    "data set": hdf5(lambda file: file.create_dataset("x", data=np.zeros((9, 9)))),
    "document": archive("[Content_Types].xml", "word/document.xml", "config.json", "x/model.weights.h5"),
    "wheel": archive("model.weights.h5", "a/config.json"),
    "arrays": archive("x_train.npy", "y_train.npy"),
    "only the magic": content._HDF5_MAGIC,
    "only the other magic": content._ZIP_MAGIC,
}
NAMES = ("weights.bin", "model", "model.h5.bak", "data.dat", "a/b.nc")


def _paths(selection: Selection) -> list[str]:
    return [candidate.path for candidate in selection.candidates]


@pytest.mark.parametrize("data", MODELS.values(), ids=MODELS)
def test_a_model_is_known_by_its_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)

    assert Look(is_model=True) == look(tmp_path / "x")


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_what_is_none_is_left_alone(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)

    assert Look() == look(tmp_path / "x")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_attribute_is_known_in_every_layout(version: int) -> None:
    lengths = (13).to_bytes(2, "little") + bytes(4) + (b"\0" if version == 3 else b"")
    data = content._HDF5_MAGIC + bytes([version, 0]) + lengths + b"model_config\0"

    assert holds_model(data)
    assert not holds_model(data.replace(b"model_config", b"model_conflict"))


def test_what_is_no_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MODELS["whole"])
    (tmp_path / "link").symlink_to("m")
    os.mkfifo(tmp_path / "pipe")

    assert [Look()] * 4 == [look(tmp_path / name) for name in ("link", "pipe", ".", "odd\0")]
    assert look(tmp_path / "link", follow=True).is_model


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["whole", "archive"])
def test_git_selects_a_model_under_any_name(repo: Any, name: str, kind: str) -> None:
    for number in range(len(OTHERS)):
        repo.write(f"other{number}.bin", b"old")
    repo.write(name, b"old")
    base = repo.commit()
    for number, data in enumerate(OTHERS.values()):
        repo.write(f"other{number}.bin", data + b"\0")
    repo.write(name, MODELS[kind])
    repo.git("add", "-A")

    (of_index,) = staged(repo.top, repo.environ).candidates
    repo.commit()
    (of_tree,) = changed(base, repo.top, repo.environ).candidates

    assert (name, "changed in the index, a model by its content") == (of_index.path, of_index.reason)
    assert (name, repo.top / name, "") == (of_tree.path, of_tree.file, of_tree.blob)
    assert of_tree.base
    assert of_index.blob == of_tree.committed


def test_the_index_decides_by_its_own_bytes(repo: Any) -> None:
    repo.write("a", MODELS["whole"])
    repo.write("b", b"text")
    repo.git("add", "-A")
    repo.write("a", b"text")
    repo.write("b", MODELS["whole"])

    assert ["a"] == _paths(staged(repo.top, repo.environ))


def test_a_model_that_a_sparse_checkout_leaves_out_is_seen(repo: Any) -> None:
    base = repo.commit()
    repo.write("models/weights", MODELS["archive"])
    repo.write("models/x.md", b"x")
    repo.commit()
    repo.git("sparse-checkout", "set", "--no-cone", "/*.md")

    (candidate,) = changed(base, repo.top, repo.environ).candidates

    assert ("models/weights", True) == (candidate.path, bool(candidate.blob))


@pytest.mark.parametrize("kind", ["whole", "data set"])
def test_a_pointer_of_git_lfs_is_followed_to_the_bytes(repo: Any, kind: str) -> None:
    base = repo.commit()
    data = {**MODELS, **OTHERS}[kind]
    repo.write("weights.bin", repo.lfs_pointer(data))
    repo.git("add", "-A")
    missing = "Some files are Git LFS pointers whose names say nothing and whose content is not here"

    for select in (lambda: staged(repo.top, repo.environ), lambda: changed(base, repo.top, repo.environ)):
        assert missing in " ".join(select().notices)
        assert not select().candidates
    assert missing in " ".join(from_paths(["."], repo.top).notices)

    repo.keep_lfs_object(data)
    for select in (lambda: staged(repo.top, repo.environ), lambda: changed(base, repo.top, repo.environ)):
        assert (["weights.bin"] if kind == "whole" else []) == _paths(select())
        assert missing not in " ".join(select().notices)


def test_dvc_may_track_a_model_under_any_name(repo: Any) -> None:
    base = repo.commit()
    for name, data in (("weights.bin", MODELS["whole"]), ("table.nc", OTHERS["climate"])):
        repo.write(f"{name}.dvc", repo.dvc_file(data, name))
        repo.write(name, data)
    repo.write(".gitignore", b"weights.bin\ntable.nc\n")
    repo.commit()

    assert ["weights.bin"] == _paths(changed(base, repo.top, repo.environ))
    assert ["weights.bin"] == _paths(from_paths(["."], repo.top))


def test_folders_patterns_and_lists_are_searched_by_content_too(tmp_path: Path) -> None:
    for name, data in (("m/weights", MODELS["whole"]), ("m/x.docx", OTHERS["document"]), ("m/a.md", b"x")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    assert ["m/weights"] == _paths(from_paths(["m"], tmp_path))
    assert ["m/weights"] == _paths(from_paths(["m/*"], tmp_path))
    listed = from_list(b"m/weights\nm/x.docx\nm/a.md\ngone\n", tmp_path)
    assert ["m/weights"] == _paths(listed)
    assert ("3 listed name(s) do not look like models.",) == listed.notices


def test_thousands_of_changed_files_take_one_process_and_no_time(repo: Any, tmp_path: Path) -> None:
    for number in range(3000):
        repo.write(f"d{number % 30}/f{number}.txt", b"%d" % number * 50)
    repo.write("weights", MODELS["whole"])
    base = repo.commit()
    repo.git("commit", "-q", "--allow-empty", "-m", "x")
    empty = repo.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    start = time.process_time()

    found = changed(repo.git("commit-tree", empty, "-m", "x").strip(), repo.top, repo.environ)
    blobs = repo.git("ls-tree", "-r", "--format=%(objectname)", base).split()
    seen = looks(blobs, repo.top, repo.environ)

    assert ["weights"] == _paths(found)
    assert 1 == sum(each.is_model for each in seen.values())
    assert time.process_time() - start < 5


def test_a_blob_that_git_lost_is_no_file_without_a_model(repo: Any) -> None:
    with pytest.raises(IncompleteError, match="git does not hold the content"):
        looks(["1" * 40], repo.top, repo.environ)
