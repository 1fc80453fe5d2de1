"""What looks like a test set is found among tracked files; examples for tests of code, and training sets, are none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gate.discover.clean_images import FEWEST, CleanImages, find


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("content")


def pictures(folder: str, count: int = FEWEST) -> tuple[str, ...]:
    return tuple(f"{folder}/{number}.png" for number in range(count))


def found(root: Path) -> CleanImages | None:
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return find(root, os.environ)


@pytest.mark.parametrize(
    ("names", "path", "count"),
    [
        (pictures("data/test"), "data/test", 50),
        (pictures("data/test/cat") + pictures("data/test/dog", 3), "data/test", 53),
        (pictures("data/test/cat") + pictures("data/train/cat", 90), "data/test/cat", 50),
        (pictures("tests/images") + pictures("tests/masks"), "tests/images", 50),
        (pictures("tests/images/0") + pictures("tests/images/1"), "tests/images", 100),
        (pictures("a/val", 60) + pictures("b/test", 70), "b/test", 70),
        ((*pictures("test/0"), *pictures("test/1"), "test/code/a.py"), "test/0", 50),
    ],
)
def test_folders_of_pictures_are_found(
    repository: Path, names: tuple[str, ...], path: str, count: int
) -> None:
    write(repository, *names)

    assert CleanImages(path, f"{count} pictures") == found(repository)


@pytest.mark.parametrize(
    "names",
    [
        pictures("tests/data", FEWEST - 1),
        pictures("data/train"),
        pictures("docs"),
        pictures("latest"),
        ("data/train.npz", "data/test.npz", "train.tfrecord", "spec/dataset_spec.pb", "tests/a.py"),
        ("test\x1b[2J/a.tfrecord", "test\u202e/a.tfrecord"),
    ],
)
def test_other_things_are_not(repository: Path, names: tuple[str, ...]) -> None:
    write(repository, *names)

    assert found(repository) is None


@pytest.mark.parametrize(
    ("name", "keys", "kind"),
    [
        ("mnist.npz", ("x_train", "x_test"), "an .npz with x_test"),
        ("clean.npz", ("x", "y"), "an .npz with x"),
        ("mnist.npz", ("x", "y"), None),
        ("test.npz", ("x_train",), None),
    ],
)
def test_an_archive_is_known_by_its_keys(
    repository: Path, name: str, keys: tuple[str, ...], kind: str | None
) -> None:
    np.savez(repository / name, **{key: np.zeros(3) for key in keys})

    assert (CleanImages(name, kind) if kind else None) == found(repository)


@pytest.mark.parametrize(
    ("names", "path", "kind"),
    [
        (("data/test/dataset_spec.pb", "data/test/snapshot.metadata"), "data/test", "a data set of tf.data"),
        (("data/test.tfrecord", "data/train.tfrecord"), "data/test.tfrecord", "TFRecord files"),
        (("d/test.tfrecord-00000-of-00002", "d/test.tfrecord-00001-of-00002"), "d", "TFRecord files"),
    ],
)
def test_what_tensorflow_wrote_is_found(
    repository: Path, names: tuple[str, ...], path: str, kind: str
) -> None:
    write(repository, *names)

    assert CleanImages(path, kind) == found(repository)


def test_only_what_git_tracks_and_what_is_there_counts(repository: Path) -> None:
    write(repository, *pictures("data/test"), "val.tfrecord")
    subprocess.run(["git", "add", "val.tfrecord"], cwd=repository, check=True)
    assert CleanImages("val.tfrecord", "TFRecord files") == find(repository, os.environ)

    (repository / "val.tfrecord").unlink()
    assert find(repository, os.environ) is None


def test_where_git_does_not_answer_nothing_is_found(tmp_path: Path) -> None:
    write(tmp_path, *pictures("data/test"))

    assert find(tmp_path, os.environ) is None
